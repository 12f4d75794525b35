// Automations: all of them, by name or room; what they did; and a new one.
import { api, send } from './api.js';
import { automationCard } from './automation_card.js';
import { home } from './home.js';
import { t } from './language.js';
import { keep, keepOrSay } from './lists.js';
import { hasHappened, runItem } from './runs.js';
import { make } from './words.js';

const RUNS_SHOWN = 12;
const RUNS_READ = 60;
const AGAIN_MS = 10000;
const TIMES_MS = 30000;

export function view(container, { readSoon }) {
  const search = make('input', { type: 'search', id: 'automation-search', 'aria-label': t('Search automations'), placeholder: t('Search'), autocomplete: 'off' });
  const room = make('select', { id: 'automation-room', 'aria-label': t('Room') });
  const fresh = make('button', { id: 'new-automation', 'data-needs': 'configure', className: 'more', type: 'button', text: t('New automation') });
  const cards = make('ul', { id: 'automations', className: 'automations' });
  const told = make('p', { id: 'automation-told', className: 'told', role: 'status' });
  const list = make('ol', { id: 'runs', className: 'runs' });
  const isAll = make('input', { id: 'all-runs', type: 'checkbox' });
  const row = make('p', { id: 'all-runs-row', className: 'choice', hidden: '' }, make('label', {}, isAll, ` ${t('also show when conditions were not met')}`));
  container.append(
    make('section', { 'aria-labelledby': 'automations-title' },
      make('div', { className: 'title' }, make('h2', { id: 'automations-title', text: t('All automations') }), fresh),
      make('p', { className: 'automation-filters' }, search, room), told, cards),
    make('section', { 'aria-labelledby': 'runs-title' }, make('h2', { id: 'runs-title', text: t('What the automations did') }), list, row));
  let [runs, automations] = [[], []];

  // What rules name and no device brings.
  home.names ??= new Map();
  home.scenes ??= [];

  function showRuns() {
    const shown = runs.filter((run) => isAll.checked || hasHappened(run)).slice(0, RUNS_SHOWN);
    row.hidden = runs.every(hasHappened);
    keepOrSay(list, shown, (run) => run.id, (run) => runItem(run, home, api), t('No automation has run yet.'), 'li');
  }
  isAll.addEventListener('change', showRuns);

  function showRooms() {
    const chosen = room.value;
    const used = new Set(automations.flatMap((each) => each.rooms));
    room.replaceChildren(new Option(t('All rooms'), ''), ...home.rooms.filter((each) => used.has(each.id)).map((each) => new Option(each.name, each.id)));
    room.value = [...room.options].some((each) => each.value === chosen) ? chosen : '';
    room.hidden = room.options.length < 3;
  }

  function showAutomations() {
    const wanted = search.value.trim().toLocaleLowerCase();
    const shown = automations.filter((each) => (!room.value || each.rooms.includes(room.value)) && (!wanted || `${each.name} ${each.description ?? ''}`.toLocaleLowerCase().includes(wanted)));
    search.hidden = automations.length < 2;
    if (shown.length) keep(cards, shown, (each) => each.id, (each) => automationCard(each, home, doing));
    else cards.replaceChildren(make('li', { className: 'card empty', text: automations.length ? t('None of them.') : t('No automations yet. Make the first one.') }));
  }
  search.addEventListener('input', showAutomations);
  room.addEventListener('change', showAutomations);

  // What the runs tell of them is shown at once; the whole list may be long, and is read anew now and then.
  let later = null;
  function takeRuns() {
    let hasChanged = false;
    for (const run of [...runs].reverse().filter(hasHappened)) {
      const each = automations.find((one) => one.id === run.automation_id);
      if (!each || (each.last_triggered_at && new Date(each.last_triggered_at) >= new Date(run.started_at))) continue;
      Object.assign(each, { last_triggered_at: run.started_at, last_status: run.status === 'running' ? null : run.status });
      hasChanged = true;
    }
    if (!hasChanged) return;
    showAutomations();
    later ??= setTimeout(() => { later = null; readSoon(['automations']); }, AGAIN_MS);
  }
  setInterval(() => { if (!document.hidden && !container.hidden) showAutomations(); }, TIMES_MS);

  function say(words, isBad, undo) {
    told.className = isBad ? 'told bad' : 'told';
    told.replaceChildren(words);
    if (!undo) return;
    const button = make('button', { type: 'button', className: 'more', text: t('Undo') });
    button.addEventListener('click', async () => {
      button.disabled = true;
      try {
        await undo();
        say(t('It is undone.'));
      } catch (err) { say(err.message, true); }
      readSoon(['automations']);
    });
    told.append(' ', button);
    button.focus();
  }

  async function edit(id, isNew) {
    const [{ openAutomationEditor }, known] = await Promise.all([import('./automation_editor.js'), isNew ? null : api(`automations/${encodeURIComponent(id)}/definition`)]);
    openAutomationEditor(known, home, (words, changed, canUndo) => {
      say(words, false, canUndo && (() => send('POST', `definitions/automation/${encodeURIComponent(changed)}/undo`, { entry: null })));
      readSoon(['automations']);
    });
  }
  fresh.addEventListener('click', () => edit(null, true).catch((err) => say(err.message, true)));

  const doing = { edit, say, changed: () => readSoon(['automations']) };
  return {
    reads: {
      runs: async () => { runs = await api(`runs?limit=${RUNS_READ}`); showRuns(); takeRuns(); },
      automations: async () => {
        const [found, scenes] = await Promise.all([api('automations'), api('scenes')]);
        automations = found;
        home.scenes = scenes.map((each) => [each.entity_id, each.name]);
        home.names = new Map([...home.scenes, ...found.map((each) => [each.entity_id, each.name])]);
        showRooms();
        showAutomations();
      },
    },
    on: { run: ['runs'], home: ['automations', 'runs'], issue: ['automations'] },
    go: (id) => { if (id) cards.querySelector(`#automation-${CSS.escape(id)}`)?.open(); },
  };
}
