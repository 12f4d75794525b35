// An automation in the list: whether it is on, what it last did and does next; opened: run, pause, why not, what it would have done, its last runs.
import { api, send } from './api.js';
import { may } from './home.js';
import { locale, t } from './language.js';
import { replayed } from './rule_replay.js';
import { readable } from './rule_words.js';
import { runItem } from './runs.js';
import { ago, make, plain, timeElement } from './words.js';

const RUNS_SHOWN = 8;
const LAST = { success: () => t('it went well'), partial: () => t('a part of it failed'), failed: () => t('it failed'), timeout: () => t('it took too long'), cancelled: () => t('it was stopped') };
const RAN = { success: () => t('It has run.'), running: () => t('It is running.'), conditions_not_met: () => t('It did not run: its conditions do not hold now.'), dropped: () => t('It runs already, and no second time at once.'), partial: () => t('It has run, and a part of it failed.'), failed: () => t('It has run and failed.'), error: () => t('It could not run.') };
const CLOUD = { owed: () => t('not in the cloud yet'), conflict: () => t('changed here and in the cloud') };

// `doing` {edit(id), say(words, isBad), changed()}.
export function automationCard(automation, home, doing) {
  const url = `automations/${encodeURIComponent(automation.id)}`;
  const title = make('b');
  const state = make('span', { className: 'because' });
  const problem = make('span', { className: 'wrong' });
  const onOff = make('input', { type: 'checkbox', className: 'switch', role: 'switch' });
  const summary = make('summary', {}, make('span', {}, title, state, problem));
  const body = make('div', { className: 'opened' });
  const details = make('details', {}, summary, body);
  const card = make('li', { className: 'card automation', id: `automation-${automation.id}` }, details, onOff);
  const told = make('p', { className: 'told', role: 'status' });
  let now = automation;
  let seen = automation.last_triggered_at;

  async function act(control, work) {
    if (control.hasAttribute('aria-busy')) return;
    control.setAttribute('aria-busy', 'true');
    told.className = 'told';
    told.textContent = '';
    try {
      await work();
    } catch (err) {
      if (details.open) { told.className = 'told bad'; told.textContent = err.message; }
      else doing.say(err.message, true);
    } finally {
      control.removeAttribute('aria-busy');
      show(now);
    }
  }

  const button = (text, work, needs = 'view', label = text) => {
    const made = make('button', { type: 'button', className: 'more', text, 'aria-label': label, 'data-needs': needs });
    made.addEventListener('click', () => act(made, work));
    return made;
  };

  onOff.addEventListener('change', () => {
    const isOn = onOff.checked;
    act(onOff, async () => {
      await send('PATCH', url, now.is_paused && isOn ? { is_enabled: true, is_paused: false } : { is_enabled: isOn });
      doing.changed();
    });
  });

  const run = (withConditions) => async () => {
    const ran = await send('POST', `${url}/run`, { with_conditions: withConditions });
    told.className = ['failed', 'partial', 'error'].includes(ran.status) ? 'told bad' : 'told';
    told.textContent = RAN[ran.status]?.() ?? plain(ran.status);
    await showRuns();
  };

  // Built when it is first opened.
  const runs = make('ol', { className: 'runs' });
  const answer = make('div', { className: 'answer' });
  const pausing = pauseControl((changes) => act(pausing.select, async () => { await send('PATCH', url, changes); doing.changed(); }));
  const goOn = button(t('Go on now'), async () => { await send('PATCH', url, { is_paused: false }); doing.changed(); }, 'configure');
  function build() {
    body.replaceChildren(
      make('p', { className: 'because about' }),
      make('p', { className: 'buttons' }, button(t('Run now'), run(false), 'control'), button(t('Run if its conditions hold'), run(true), 'control'), button(t('Edit'), () => doing.edit(now.id), 'configure', t('Edit “{name}”', { name: now.name }))),
      make('p', { className: 'buttons' }, pausing.element, goOn),
      told,
      make('p', { className: 'buttons' }, button(t('Why didn’t it run?'), explain), button(t('What would it have done in the past day?'), () => replay('1d'))),
      answer,
      make('h5', { text: t('Its last runs') }), runs);
  }

  async function showRuns() {
    const found = await api(`runs?automation_id=${encodeURIComponent(now.id)}&limit=${RUNS_SHOWN}`);
    runs.replaceChildren(...found.map((each) => runItem(each, home, api)));
    if (!found.length) runs.replaceChildren(make('li', { className: 'because', text: t('It has not run yet.') }));
  }

  async function explain() {
    const said = await api(`${url}/explanation`);
    const others = said.reasons.filter((each) => each.text !== said.summary);
    const conditions = said.conditions.map((each) => make('li', { className: each.result === 'true' ? '' : 'bad', text: `${each.result === 'true' ? '✓' : '✗'} ${readable(each.text, home)}` }));
    const last = said.last_refusal ? [make('p', { className: 'because' }, `${t('Last refused:')} `, timeElement(said.last_refusal.started_at))] : [];
    answer.replaceChildren(make('p', { role: 'status' }, make('b', { text: readable(said.summary, home) })), make('ul', {}, ...others.map((each) => make('li', { text: readable(each.text, home) }))), ...(conditions.length ? [make('h5', { text: t('Its conditions now') }), make('ul', { className: 'conditions' }, ...conditions)] : []), ...last, ...said.not_known.map((text) => make('p', { className: 'because', text })));
  }

  async function replay(since) {
    answer.replaceChildren(make('p', { className: 'told', role: 'status', text: t('Looking at the past day …') }));
    try {
      answer.replaceChildren(...replayed(await api(`${url}/replay?since=${since}`), home));
    } catch (err) {
      answer.replaceChildren();
      throw err;
    }
  }

  details.addEventListener('toggle', () => {
    if (!details.open) return;
    if (!body.firstChild) build();
    show(now);
    act(runs, showRuns);
  });

  function show(given) {
    const hasRun = seen !== given.last_triggered_at;
    seen = given.last_triggered_at;
    now = given;
    title.textContent = now.name;
    const parts = stateWords(now);
    if (state.textContent !== parts.join(' · ')) state.textContent = parts.join(' · ');
    problem.textContent = now.problem ?? '';
    onOff.hidden = now.kind === 'script';
    onOff.checked = now.is_enabled || now.is_paused;
    onOff.disabled = Boolean(now.problem) || !may('configure');
    onOff.setAttribute('aria-label', t('{name}: on', { name: now.name }));
    if (body.firstChild) {
      body.querySelector('.about').textContent = now.description ?? '';
      goOn.hidden = !now.is_paused;
      pausing.element.hidden = now.kind === 'script' || now.is_paused || !now.is_enabled;
    }
    if (hasRun && details.open && !runs.hasAttribute('aria-busy')) act(runs, showRuns);
  }
  card.show = show;
  card.open = () => { details.open = true; summary.focus(); };
  show(automation);
  return card;
}

// What is worth knowing of it at a glance.
function stateWords(now) {
  const parts = [];
  if (now.kind === 'script') parts.push(t('runs when it is called'));
  else if (now.is_paused) parts.push(now.paused_until ? t('paused until {time}', { time: dated(now.paused_until) }) : t('paused'));
  else if (!now.is_enabled && !now.problem) parts.push(t('off'));
  if (now.running) parts.push(t('running now'));
  if (now.last_triggered_at) parts.push(now.last_status ? t('ran {time}, {outcome}', { time: ago(now.last_triggered_at), outcome: LAST[now.last_status]?.() ?? plain(now.last_status) }) : t('ran {time}', { time: ago(now.last_triggered_at) }));
  else if (!now.problem) parts.push(t('has not run yet'));
  if (now.next_at) parts.push(t('next {time}', { time: dated(now.next_at) }));
  if (['broken', 'failing'].includes(now.health)) parts.push(t('cannot do all that it is for'));
  if (CLOUD[now.status]) parts.push(CLOUD[now.status]());
  return parts;
}

function dated(text) {
  const at = new Date(text);
  const isToday = at.toDateString() === new Date().toDateString();
  return at.toLocaleString(locale, { ...(isToday ? {} : { weekday: 'short', day: 'numeric', month: 'short' }), hour: '2-digit', minute: '2-digit' });
}

// For how long: an hour, this evening, tomorrow, until a day and time, until somebody says so.
function pauseControl(pause) {
  const until = make('input', { type: 'datetime-local', 'aria-label': t('Paused until'), hidden: '' });
  const select = make('select', { 'aria-label': t('Pause it') }, ...[['', t('Pause …')], ['hour', t('for an hour')], ['evening', t('until this evening, 18:00')], ['morning', t('until tomorrow, 7:00')], ['date', t('until a day and time …')], ['told', t('until I say so')]].map(([value, text]) => new Option(text, value)));
  const set = make('button', { type: 'button', className: 'more', text: t('Pause') });
  const at = (days, hour) => { const day = new Date(); day.setDate(day.getDate() + days); day.setHours(hour, 0, 0, 0); return day; };
  select.addEventListener('change', () => { until.hidden = select.value !== 'date'; });
  set.addEventListener('click', () => {
    const times = { hour: () => new Date(Date.now() + 3600000), evening: () => { const today = at(0, 18); return today > new Date() ? today : at(1, 18); }, morning: () => at(1, 7), date: () => new Date(until.value) };
    if (select.value === 'told') pause({ is_paused: true });
    else if (select.value) {
      const when = times[select.value]();
      if (!(when > new Date())) { until.setCustomValidity(t('Choose a time that is still to come.')); until.reportValidity(); return; }
      until.setCustomValidity('');
      pause({ pause_until: when.toISOString() });
    } else select.focus();
    select.value = '';
    until.hidden = true;
  });
  return { select, element: make('span', { className: 'pausing', 'data-needs': 'configure' }, select, until, set) };
}
