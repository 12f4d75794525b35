// Health and security of the home, and whatever else is wrong.
import { api, send } from './api.js';
import { healthPart } from './health.js';
import { home } from './home.js';
import { fromHub, t } from './language.js';
import { keep } from './lists.js';
import { alertsPart } from './notices.js';
import { securityPart } from './security.js';
import { make, timeElement } from './words.js';

export function view(container, { readSoon }) {
  const problems = make('section', { id: 'problems', 'aria-label': t('What is wrong'), hidden: '' });
  const alerts = make('section', { id: 'alerts', 'aria-label': t('Alerts'), hidden: '' });
  container.append(problems, alerts, healthSkeleton(), securitySkeleton());
  const health = healthPart({ api, send, keep, devices: () => [...home.devices.values()], changed: () => readSoon(['health', 'issues']) });
  const security = securityPart({ send, keep, changed: () => readSoon(['security', 'issues']) });
  const told = alertsPart(alerts, () => readSoon(['alerts']));
  let issues = [];

  // What a card below tells need not be told above as well, nor what the frame tells above every view.
  function showIssues() {
    const all = issues.filter((each) => each.code !== 'safe_mode' && !health.tells(each) && !security.tells(each));
    problems.hidden = all.length === 0;
    keep(problems, all, (issue) => `${issue.code} ${issue.subject}`, issueLine);
  }

  return {
    reads: {
      issues: async () => { issues = await api('issues'); showIssues(); },
      alerts: async () => told.show(await api('alerts')),
      health: async () => { health.show(await api('health')); showIssues(); },
      security: async () => security.show(await api('security')),
    },
    on: { device: ['health'], home: ['issues'], issue: ['issues', 'health', 'security'], security: ['security'], alert: ['alerts'] },
  };
}

function issueLine(issue) {
  const title = make('b');
  const text = make('span');
  const line = make('div', {}, title, text);
  line.show = (now) => {
    line.className = `issue ${now.severity}`;
    title.textContent = fromHub(now.title);
    text.replaceChildren(fromHub(now.text), ...(now.since ? [' (', timeElement(now.since), ')'] : []));
  };
  line.show(issue);
  return line;
}

// Until the hub has told it; what it told once stays while it is away.
const notSaid = (name) => make('p', { id: `${name}-unknown`, className: 'card empty unknown', text: t('How it stands is shown as soon as the hub answers.') });

function healthSkeleton() {
  return make('section', { id: 'health', 'aria-labelledby': 'health-title' },
    make('div', { className: 'title' }, make('h2', { id: 'health-title', text: t('Devices') }), make('span', { id: 'health-score' })),
    make('div', { id: 'health-wrong', className: 'found' }),
    notSaid('health'),
    make('details', { id: 'health-more', hidden: '' }, make('summary'),
      make('h3', { text: t('Devices, the worst first') }), make('ul', { id: 'health-devices' }),
      make('h3', { id: 'health-batteries-title', text: t('Batteries, the emptiest first') }), make('ul', { id: 'health-batteries' }),
      make('h3', { id: 'health-worth-title', text: t('Worth knowing') }), make('ul', { id: 'health-worth' }),
      make('h3', { text: t('What was done') }), make('ul', { id: 'health-history' }), make('ul', { id: 'health-rates' }),
      make('form', { id: 'health-wishes', className: 'health-wishes', 'data-needs': 'configure' })));
}

function securitySkeleton() {
  return make('section', { id: 'security', 'aria-labelledby': 'security-title' },
    make('div', { className: 'title' }, make('h2', { id: 'security-title', text: t('Security') }), make('span', { id: 'security-grade' })),
    make('div', { id: 'security-wrong', className: 'found' }),
    notSaid('security'),
    make('details', { id: 'security-more', hidden: '' }, make('summary'),
      make('ul', { id: 'security-minor' }),
      make('h3', { id: 'security-rules-title', text: t('Who may reach this hub') }), make('ul', { id: 'security-rules' }),
      make('button', { id: 'security-scan', 'data-needs': 'configure', className: 'more', type: 'button', text: t('Look at the home now') }),
      make('p', { id: 'security-told', className: 'told', role: 'status' })));
}
