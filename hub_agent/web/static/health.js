// The home's health: what something is wrong with first, what is tried and asked, and what people declare.
import { fromHub, t, tn } from './language.js';
import { capital, make, measure, timeElement } from './words.js';

const STATES = { asks: t('waits for your answer'), troubled: t('something is wrong'), treated: t('is being healed'), held: t('waits for what it hangs on'), well: t('well') };
const VERDICTS = { now: t('would be tried'), asks: t('would be tried after asking you'), not_now: t('not now'), waits: t('waits'), spent: t('is used up'), never: t('never'), unfit: t('does not fit') };
const RISKS = { '': t('as each remedy says'), none: t('nothing'), low: t('what is harmless'), medium: t('also restarting things'), high: t('everything') };
const HISTORY_SHOWN = 20;
const LOW = 20;
const button = (text, className, label) => make('button', { type: 'button', className, text, ...(label ? { 'aria-label': label } : {}) });

// `doing`: {api, send, keep, devices(), changed()}.
export function healthPart(doing) {
  const $ = (id) => document.getElementById(`health${id}`);
  let known = { home: { score: 100 }, devices: [] };

  function show(now) {
    known = now;
    $('-unknown').hidden = true;
    $('-more').hidden = false;
    const wrong = now.devices.filter((each) => each.state !== 'well');
    const others = now.devices.filter((each) => each.state === 'well');
    const asked = wrong.filter((each) => each.state === 'asks').length;
    $('-score').textContent = [t('{score} of 100', now.home), asked && tn('a question for you', '{count} questions for you', asked)].filter(Boolean).join(', ');
    doing.keep($('-wrong'), wrong, (each) => each.id, troubleCard);
    $('-more').querySelector('summary').textContent = wrong.length ? tn('All devices, what was done, and your wishes ({count} is well)', 'All devices, what was done, and your wishes ({count} are well)', others.length) : t('Everything is well. All devices, what was done, and your wishes');
    if ($('-more').open) showMore();
  }

  function showMore() {
    doing.keep($('-devices'), known.devices.toSorted((one, other) => one.score - other.score), (each) => each.id, deviceLine);
    const batteries = known.devices.filter((each) => each.battery_level != null).sort((one, other) => one.battery_level - other.battery_level);
    $('-batteries').replaceChildren(...batteries.map((each) => make('li', { className: each.battery_level <= LOW ? 'bad' : '' }, `${each.name}: ${measure(each.battery_level, '%')}`)));
    $('-batteries').hidden = $('-batteries-title').hidden = batteries.length === 0;
  }

  // What is wrong with one device.

  function troubleCard(device) {
    const name = make('b');
    const about = make('small');
    const why = make('ul');
    const next = make('p');
    const choices = make('p', { className: 'given', 'data-needs': 'control' });
    const told = make('p', { className: 'told', role: 'status' });
    const card = make('div', { className: 'card', role: 'group' }, name, ' ', about, why, next, choices, told, more(device));
    card.show = (now) => {
      const { trouble } = now;
      name.textContent = now.name;
      card.setAttribute('aria-label', now.name);
      about.textContent = `${t('{score} of 100', now)}, ${STATES[now.state]}`;
      const tried = trouble?.tried.length ? t('Tried: {what}.', { what: trouble.tried.map((each) => `${fromHub(each.words)}${each.count > 1 ? ` (${each.count}×)` : ''}`).join(', ') }) : null;
      const texts = [...(trouble?.issues ?? now.issues).map((each) => fromHub(each.text)), ...now.why.map(fromHub), tried].filter(Boolean);
      why.replaceChildren(...[...new Set(texts)].map((text) => make('li', { text })));
      next.textContent = fromHub(trouble?.next.text) ?? '';
      const question = trouble?.attempt?.is_question ? trouble.attempt : null;
      if (choices.asked === question?.id) return;
      choices.asked = question?.id;
      const answers = question ? [[t('Yes, try it'), '', true], [t('No'), 'less', false]] : [];
      choices.replaceChildren(...answers.map(([text, className, isApproved]) => {
        const answer = button(text, className, `${now.name}: ${text}`);
        answer.addEventListener('click', () => act(told, choices, () => doing.send('POST', `health/answers/${question.id}`, { is_approved: isApproved })));
        return answer;
      }));
    };
    card.show(device);
    return card;
  }

  function deviceLine(device) {
    const details = more(device);
    const line = make('li', {}, details);
    line.show = (now) => { details.firstElementChild.textContent = `${now.name}: ${now.score}${now.why.length ? `, ${fromHub(now.why[0])}` : ''}`; };
    line.show(device);
    return line;
  }

  // What its score is made of, what would be tried, and what its owner wishes: read when it is opened.
  function more(device) {
    const body = make('div');
    const details = make('details', { className: 'all' }, make('summary', { text: t('More') }), body);
    const read = async () => {
      try {
        const path = `health/devices/${device.id}`;
        const [now, wishes] = await Promise.all([doing.api(path), doing.api(`${path}/wishes`)]);
        body.replaceChildren(factors(now), plan(now, read), diagnosis(now), deviceWishes(now, wishes, read));
      } catch (err) {
        body.replaceChildren(make('p', { className: 'told bad', text: err.message }));
      }
    };
    details.addEventListener('toggle', () => { if (details.open) read(); });
    return details;
  }

  const factors = (now) => make('ul', {}, ...now.factors.map((each) => make('li', { text: `${fromHub(each.text)} (−${each.points})` })));

  function plan(now, read) {
    if (!now.plan.length) return '';
    const told = make('p', { className: 'told', role: 'status' });
    const lines = now.plan.filter((each) => each.verdict !== 'unfit').map((each) => {
      const reasons = each.verdict === 'asks' ? [] : each.reasons.map(fromHub);
      const line = make('li', { text: `${capital(fromHub(each.words))}: ${[VERDICTS[each.verdict], ...reasons].join(', ')} ` });
      if (!['now', 'asks', 'not_now'].includes(each.verdict) || each.remedy === 'tell_person') return line;
      const attempt = button(t('Try now'), 'more', `${now.name}: ${t('Try now')}: ${fromHub(each.words)}`);
      attempt.dataset.needs = 'control';
      let isForced = false;
      attempt.addEventListener('click', () => {
        if (each.verdict === 'not_now' && !isForced) {
          isForced = true;
          attempt.textContent = t('Really, now?');
          attempt.classList.add('ask');
          return;
        }
        act(told, line, async () => { await doing.send('POST', `health/devices/${now.id}/try`, { remedy: each.remedy, is_forced: isForced }); await read(); });
      });
      line.append(attempt);
      return line;
    });
    return make('div', {}, make('h5', { text: t('What would be tried') }), make('ul', {}, ...lines), told);
  }

  // Step by step from the hub to the device, when somebody asks.
  function diagnosis(now) {
    const told = make('p', { className: 'told', role: 'status' });
    const steps = make('ul');
    const look = button(t('Find out why'), 'more', `${now.name}: ${t('Find out why')}`);
    look.dataset.needs = 'control';
    look.addEventListener('click', () => act(told, look, async () => {
      const found = await doing.send('POST', 'diagnoses', { device: now.id });
      const worse = found.steps.filter((each) => each.status === 'failed' || each.status === 'warning');
      steps.replaceChildren(make('li', { text: fromHub(found.summary) }), ...worse.map((each) => make('li', { text: [each.text, each.advice].filter(Boolean).map(fromHub).join(' ') })));
    }));
    return now.state === 'well' ? '' : make('div', {}, look, steps, told);
  }

  function deviceWishes(now, { wishes, names }, read) {
    const told = make('p', { className: 'told', role: 'status' });
    const form = make('form', { className: 'health-wishes', 'data-needs': 'configure' });
    const change = (changes) => act(told, form, async () => { await doing.send('PATCH', `health/devices/${now.id}/wishes`, changes); await read(); });
    const tick = (key, text) => {
      const input = make('input', { type: 'checkbox' });
      input.checked = wishes[key] === true;
      input.addEventListener('change', () => change({ [key]: input.checked }));
      return make('label', {}, input, ` ${text}`);
    };
    const others = doing.devices().filter((each) => each.id !== now.id);
    const plugs = others.filter((each) => each.entities.some((one) => one.domain === 'switch' && !one.category));
    const feeder = choice([['', '–'], ...plugs.map((each) => [each.id, each.name])], wishes.powered_by ?? '', (value) => change({ powered_by: value || null }));
    const hung = wishes.hangs_on ?? [];
    const hanging = choice([['', hung.length ? hung.map((id) => names[id] ?? id).join(', ') : '–'], ...(hung.length ? [['none', t('on nothing')]] : []), ...others.filter((each) => !hung.includes(each.id)).map((each) => [each.id, hung.length ? t('and {name}', each) : each.name])], '', (value) => change({ hangs_on: value === 'none' ? null : [...hung, value] }));
    form.append(make('h5', { text: t('Your wishes') }), tick('never_touch', t('must never be touched (a freezer, a medical device)')), tick('ask_first', t('ask me before anything but the harmless')), make('label', {}, `${t('is fed by the plug')} `, feeder), make('label', {}, `${t('hangs on')} `, hanging), told);
    return form;
  }

  function choice(options, value, changed) {
    const select = make('select', {}, ...options.map(([id, text]) => make('option', { value: id, text })));
    select.value = value;
    select.addEventListener('change', () => changed(select.value));
    return select;
  }

  // The home's wishes, what was done, and how often it helped.

  function homeWishes({ wishes }) {
    const told = make('p', { className: 'told', role: 'status' });
    const form = $('-wishes');
    const change = (changes) => act(told, form, async () => homeWishes(await doing.send('PATCH', 'health/wishes', changes)));
    const hours = wishes.quiet_hours;
    const is = make('input', { type: 'checkbox' });
    is.checked = Boolean(hours);
    const [from, to] = ['from', 'to'].map((key) => make('input', { type: 'time', value: hours?.[key] ?? { from: '22:00', to: '07:00' }[key], 'aria-label': key === 'from' ? t('Quiet hours from') : t('Quiet hours to') }));
    const send = () => { if (from.value && to.value) change({ quiet_hours: is.checked ? { from: from.value, to: to.value } : null }); };
    for (const input of [is, from, to]) input.addEventListener('change', send);
    from.disabled = to.disabled = !is.checked;
    const risk = choice(Object.entries(RISKS), wishes.risk ?? '', (value) => change({ risk: value || null }));
    form.replaceChildren(make('h5', { text: t('Wishes for the whole home') }), make('div', {}, make('label', {}, is, ` ${t('quiet hours: nothing you would notice is tried from')} `), from, ` ${t('to')} `, to), make('label', {}, `${t('without asking me, try')} `, risk), told);
  }

  async function readMore() {
    showMore();
    const [history, rates, wishes, foreseen] = await Promise.all([`health/history?limit=${HISTORY_SHOWN}`, 'health/rates', 'health/wishes', 'forecasts'].map((path) => doing.api(path)));
    homeWishes(wishes);
    const left = foreseen.batteries.filter((each) => each.days_left != null).map((each) => tn('{name} will need a new battery in about a day.', '{name} will need a new battery in some {count} days.', each.days_left, each));
    const worth = [...left, ...foreseen.predictions.map((each) => each.recommended_maintenance), ...foreseen.anomalies.map((each) => each.description), ...foreseen.insights.map((each) => [each.description, each.recommended_action].filter(Boolean).join(' '))].filter(Boolean);
    $('-worth').replaceChildren(...worth.map((text) => make('li', { text })));
    $('-worth').hidden = $('-worth-title').hidden = worth.length === 0;
    $('-history').replaceChildren(...(history.length ? history.map((each) => make('li', {}, `${each.name ?? t('A device that is gone')}: ${fromHub(each.words)}, ${fromHub(each.outcome)} (`, timeElement(each.at), ')')) : [make('li', { text: t('Nothing had to be healed yet.') })]));
    const all = rates.filter((each) => each.of === 'all');
    $('-rates').replaceChildren(...all.map((each) => make('li', { text: t('{what} helped {helped} of {tried} times.', { ...each, what: capital(fromHub(each.words)) }) })));
  }

  $('-more').addEventListener('toggle', () => { if ($('-more').open) readMore().catch((err) => { $('-history').replaceChildren(make('li', { className: 'bad', text: err.message })); }); });

  async function act(told, busy, work) {
    if (busy.hasAttribute('aria-busy')) return;
    busy.setAttribute('aria-busy', 'true');
    told.className = 'told';
    told.textContent = t('One moment …');
    try {
      await work();
      told.textContent = '';
      doing.changed();
    } catch (err) {
      told.className = 'told bad';
      told.textContent = err.message;
    } finally {
      busy.removeAttribute('aria-busy');
    }
  }

  // An issue that a card here tells need not be told above as well.
  const tells = (issue) => known.devices.some((each) => each.id === issue.subject && each.trouble?.issues.some((one) => one.code === issue.code));
  return { show, tells };
}
