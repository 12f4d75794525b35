// What happened, and who did it: by day, the newest first, a page at a time.
import { api } from './api.js';
import { home } from './home.js';
import { fromTemplate, locale, t } from './language.js';
import { make } from './words.js';

const KINDS = {
  command: t('Devices that were controlled'), scene: t('Scenes'), automation: t('Automations'), device: t('What devices did themselves'), definition: t('Changes of scenes, automations …'),
  access: t('Who came in'), setting: t('Settings'), healing: t('Self-healing'), alert: t('Alerts'), security: t('Security'),
};
const WHO = { person: t('People'), automation: t('Automations'), device: t('The devices themselves'), scene: t('Scenes'), healing: t('Self-healing'), cloud: t('The cloud'), hub: t('The hub') };
const WRITTEN_MS = 1200;

export function view(container, { readSoon }) {
  let before = null;
  let newest = 0;

  const kind = choice('activity-kind', t('What'), KINDS);
  const who = choice('activity-who', t('By whom'), WHO);
  const device = choice('activity-device', t('Device'), {});
  const days = make('div', { id: 'activity-days' });
  const more = make('button', { id: 'activity-more', className: 'more', type: 'button', text: t('Earlier') });
  const told = make('p', { className: 'told', role: 'status' });
  container.append(make('div', { className: 'filters' }, kind.element, who.element, device.element), days, more, told);
  for (const each of [kind, who, device]) each.select.addEventListener('change', () => readSoon(['activity']));
  more.addEventListener('click', async () => {
    more.disabled = true;
    try { append(await read(before)); } catch (err) { told.textContent = err.message; }
    more.disabled = false;
  });

  const asked = () => Object.entries({ kind: kind.select.value, who: who.select.value, device: device.select.value }).filter(([, value]) => value).map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join('');
  const read = (until) => api(`activity?limit=50${until ? `&before=${until}` : ''}${asked()}`);

  function append({ entries, before: next }) {
    told.textContent = '';
    before = next;
    more.hidden = next === null;
    for (const entry of entries) listOf(entry.at).append(line(entry));
    if (days.children.length === 0) days.append(make('p', { className: 'card empty', text: asked() ? t('Nothing like that has happened.') : t('Nothing has happened yet.') }));
  }

  function listOf(at) {
    const day = new Date(at).toDateString();
    const last = days.lastElementChild;
    if (last?.day === day) return last.querySelector('ol');
    const title = make('h2', { text: dayWords(new Date(at)) });
    const section = make('section', {}, title, make('ol', { className: 'activity' }));
    section.day = day;
    days.append(section);
    return section.querySelector('ol');
  }

  function showDevices() {
    const known = [...home.devices.values()].sort((one, other) => one.name.localeCompare(other.name));
    const now = device.select.value;
    device.select.replaceChildren(make('option', { value: '', text: t('all') }), ...known.map((each) => make('option', { value: each.id, text: each.name })));
    device.select.value = now;
  }

  return {
    reads: {
      home: showDevices,
      activity: async () => {
        const page = await read(null);
        // What was opened further down stays, while nothing is new.
        const first = page.entries[0]?.id ?? 0;
        if (first === newest && days.children.length > 0 && days.asked === asked()) return;
        newest = first;
        days.asked = asked();
        days.replaceChildren();
        append(page);
      },
    },
    // It is told before it is written: what is read a second later has it.
    live: { activity: () => setTimeout(() => readSoon(['activity']), WRITTEN_MS) },
  };
}

function line(entry) {
  const at = new Date(entry.at);
  const time = make('span', { className: 'at', text: at.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' }), title: at.toLocaleString(locale) });
  const words = make('span', { className: 'words', text: said(entry) });
  if (entry.failed) words.append(make('span', { className: 'failed', text: entry.because ? said(entry.because) : fromTemplate(entry.failed, {}) }));
  return make('li', { 'data-kind': entry.kind }, time, words);
}

// The words in this page's language: what fills a gap may be words again.
function said(phrase) {
  return fromTemplate(phrase.words, Object.fromEntries(Object.entries(phrase.filling).map(([name, value]) => [name, value?.words === undefined ? value : said(value)])));
}

function choice(id, label, options) {
  const select = make('select', { id }, make('option', { value: '', text: t('all') }), ...Object.entries(options).map(([value, text]) => make('option', { value, text })));
  return { select, element: make('div', { className: 'filter' }, make('label', { for: id, text: label }), select) };
}

function dayWords(at) {
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (at.toDateString() === today.toDateString()) return t('Today');
  if (at.toDateString() === yesterday.toDateString()) return t('Yesterday');
  return at.toLocaleDateString(locale, { weekday: 'long', day: 'numeric', month: 'long' });
}
