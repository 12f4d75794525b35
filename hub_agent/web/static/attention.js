// What needs somebody, in short, at the top of the home. Each line leads to where it is told whole.
import { isTold } from './found.js';
import { fromHub, t, tn } from './language.js';
import { keep } from './lists.js';
import { make } from './words.js';

const LINES_MAX = 4;
const RANKS = ['critical', 'error', 'high', 'warning', 'medium', 'info', 'low'];
const rank = (severity) => { const at = RANKS.indexOf(severity); return at < 0 ? RANKS.length : at; };

export function attentionPart(section) {
  let known = { issues: [], alerts: [], automations: [], health: { devices: [] }, conflicts: [], things: [] };

  function show(now) {
    known = { ...known, ...now };
    const lines = linesOf(known);
    const left = lines.length - LINES_MAX;
    const shown = left > 1 ? [...lines.slice(0, LINES_MAX), { key: 'more', view: 'health', severity: 'more', title: tn('{count} more', '{count} more', left) }] : lines;
    section.hidden = lines.length === 0;
    keep(section, shown, (each) => each.key, lineElement);
  }
  return { show };
}

function linesOf({ issues, alerts, automations, health, conflicts, things }) {
  const needing = things.filter(isTold).length;
  const asked = health.devices.filter((each) => each.state === 'asks');
  const broken = automations.filter((each) => each.problem);
  const said = new Set(issues.map((issue) => issue.title));
  return [
    ...asked.map((each) => ({ key: `asks ${each.id}`, view: 'health', severity: 'warning', title: t('{name}: a question for you', { name: each.name }) })),
    ...(needing ? [{ key: 'found', view: 'home/found', severity: 'info', title: tn('{count} device was found and needs something from you', '{count} devices were found and need something from you', needing) }] : []),
    ...conflicts.map((each) => ({ key: `conflict ${each.kind} ${each.id}`, view: 'settings', severity: 'warning', title: t('{name} was changed here and in the cloud', { name: each.name }) })),
    ...[
      ...issues.filter((issue) => issue.code !== 'safe_mode').map((issue) => ({ key: `issue ${issue.code} ${issue.subject}`, view: 'health', severity: issue.severity, title: fromHub(issue.title) })),
      ...broken.map((each) => ({ key: `automation ${each.id}`, view: 'automations', severity: 'warning', title: t('The automation “{name}” cannot run', { name: each.name }) })),
      ...alerts.filter((alert) => !alert.is_notice && alert.status === 'active' && !said.has(alert.title)).map((alert) => ({ key: `alert ${alert.id}`, view: 'health', severity: alert.severity, title: fromHub(alert.title) })),
    ].sort((one, other) => rank(one.severity) - rank(other.severity)),
  ];
}

function lineElement(line) {
  const element = make('a');
  element.show = (now) => {
    element.className = `short ${now.severity}`;
    element.href = `#${now.view}`;
    element.textContent = now.title;
  };
  element.show(line);
  return element;
}
