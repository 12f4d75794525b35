// Runs of automations in plain words, with the trace when one is opened.
import { number, t } from './language.js';
import { capital, clock, entityName, make, plain, showTime, stateWords, timeElement } from './words.js';

const STATUS = { success: '', failed: t('failed'), partial: t('partly done'), cancelled: t('cancelled'), timeout: t('timed out'), conditions_not_met: t('did not run'), running: t('running'), skipped: t('did not run') };

export const hasHappened = (run) => run.status !== 'conditions_not_met' && run.status !== 'skipped';

// `home.find(entityId)` answers {device, entity}, or nothing.
export function runItem(run, home, api) {
  const dot = make('span', { 'aria-hidden': 'true' });
  const name = make('b', { text: run.automation ?? run.automation_id });
  const status = make('span', { className: 'status' });
  const time = timeElement(run.started_at);
  const because = make('span', { className: 'because', text: triggerWords(run.trigger, home) });
  const summary = make('summary', {}, dot, make('span', {}, name, status, because), time);
  const details = make('details', {}, summary);
  details.addEventListener('toggle', () => { if (details.open) showTrace(details, run, home, api); });
  const item = make('li', { className: 'card' }, details);
  item.show = (now) => {
    dot.className = `dot ${now.status}`;
    status.textContent = STATUS[now.status] === '' ? '' : ` – ${STATUS[now.status] ?? plain(now.status)}`;
    showTime(time, now.started_at);
    const hasGoneOn = now.completed_at !== run.completed_at || now.status !== run.status;
    run = now;
    if (hasGoneOn && details.open) showTrace(details, run, home, api);
  };
  item.show(run);
  return item;
}

function triggerWords(trigger, home) {
  if (!trigger || Object.keys(trigger).length === 0) return t('started by hand');
  const { platform, entity_id: id, from_state: was, to_state: is } = trigger;
  const within = trigger.for ? ` ${t('for {span}', { span: spanWords(trigger.for) })}` : '';
  if (id && is !== undefined && id.startsWith('event.')) return `${nameOf(id, home)}${trigger.attributes_changed?.event_type ? `: ${plain(trigger.attributes_changed.event_type[1])}` : ''}`;
  if (id && is !== undefined) {
    const limits = [trigger.above != null && t('above {limit}', { limit: trigger.above }), trigger.below != null && t('below {limit}', { limit: trigger.below })].filter(Boolean).join(` ${t('and')} `);
    return `${nameOf(id, home)}: ${limits ? `${wordsOf(id, is, home)}, ${limits}` : `${wordsOf(id, was, home)} → ${wordsOf(id, is, home)}`}${within}`;
  }
  if (platform === 'time') return `${t('time')}: ${clock(trigger.now)}`;
  if (platform === 'sun') return `${t('sun')}: ${plain(trigger.event)}${trigger.offset ? ` ${trigger.offset}` : ''}`;
  return trigger.description ?? plain(platform ?? 'started');
}

function spanWords(text) {
  const [hours, minutes, seconds] = String(text).split(':').map(Number);
  if (!Number.isFinite(seconds)) return text;
  return [[hours, 'h'], [minutes, 'min'], [seconds, 's']].filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(' ');
}

function nameOf(id, home) {
  const found = home.find(id);
  return found ? entityName(found.device, found.entity) : id;
}

function wordsOf(id, state, home) {
  const found = home.find(id);
  if (state == null) return '–';
  return found && typeof state === 'string' ? stateWords(found.entity, state) : typeof state === 'object' ? plain(Object.values(state).join(', ')) : plain(state);
}

async function showTrace(details, run, home, api) {
  const list = details.querySelector('.trace') ?? make('ol', { className: 'trace' });
  details.append(list);
  try {
    const trace = await api(`runs/${run.id}`);
    const steps = (trace.steps ?? []).map((step) => stepItem(step, home));
    const isTold = (trace.steps ?? []).some((step) => step.error && trace.error?.includes(step.error));
    if (trace.error && !isTold) steps.push(make('li', { className: 'bad', text: trace.error }));
    if (steps.length === 0) steps.push(stepLine(trace.started_at, t('There was nothing to do.'), ''));
    list.replaceChildren(...steps);
  } catch (err) {
    list.replaceChildren(make('li', { className: 'bad', text: err.message }));
  }
}

function stepItem(step, home) {
  const isCondition = step.result === 'true' || step.result === 'false';
  const item = stepLine(step.at, isCondition ? conditionWords(step, home) : actionWords(step, home), isCondition ? (step.result === 'true' ? '✓' : '✗') : outcomeWords(step));
  item.style.setProperty('--deep', Math.max(0, (step.path ?? '').split('/').length - 2) / 2);
  item.classList.toggle('bad', ['failed', 'unconfirmed', 'error'].includes(step.result));
  item.title = step.path ?? '';
  return item;
}

function conditionWords(step, home) {
  const values = Object.entries(step.values ?? {}).map(([id, value]) => (id.includes('.') ? t('{name} is {state}', { name: nameOf(id, home), state: wordsOf(id, value, home) }) : `${plain(id)}: ${plain(value)}`));
  return `${t('Condition ({kind})', { kind: plain(step.kind ?? '') })}${values.length ? `: ${values.join(', ')}` : ''}`;
}

function actionWords(step, home) {
  if (step.kind === 'delay' && step.until) return t('Wait until {time}', { time: clock(step.until) });
  if (!step.action) return capital(plain(step.kind ?? step.path ?? ''));
  const verb = capital(plain(step.action.split('.').pop()));
  const target = (step.target ?? []).map((id) => nameOf(id, home)).join(', ');
  const data = Object.entries(step.data ?? {}).map(([key, value]) => `${plain(key).replace(/ pct$/, ' %')} ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(', ');
  return `${verb}${target ? `: ${target}` : ''}${data ? ` (${data})` : ''}`;
}

function outcomeWords(step) {
  const took = step.duration_ms != null ? ` ${t('after {span}', { span: step.duration_ms < 1000 ? `${step.duration_ms} ms` : `${number(step.duration_ms / 1000, { maximumFractionDigits: 1 })} s` })}` : '';
  if (step.kind === 'delay') return '';
  if (step.error) return `${step.error.replace(/\.$/, '')}${took && `,${took}`}`;
  return step.result === 'ok' ? `${t('done')}${took}` : `${plain(step.result ?? '')}${took}`;
}

function stepLine(at, what, result) {
  const item = make('li', {}, make('span', { className: 'at', text: at ? clock(at) : '' }), make('span', { text: what }));
  if (result) item.append(make('span', { className: 'result', text: result }));
  return item;
}
