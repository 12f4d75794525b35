// What a rule would have done over the recorded past, beside what it did.
import { t, tn } from './language.js';
import { actionWords, nameOf, stateOf } from './rule_words.js';
import { clock, make, plain, timeElement } from './words.js';

const LINES_SHOWN = 20;

export function replayed(answer, home) {
  const { counts } = answer;
  const summary = [tn('It would have run {count} time.', 'It would have run {count} times.', counts.would_run),
    ...(counts.would_be_refused ? [tn('{count} time its conditions would not have held.', '{count} times its conditions would not have held.', counts.would_be_refused)] : []),
    ...(answer.automation_id ? [tn('It really ran {count} time.', 'It really ran {count} times.', counts.did_run)] : [])];
  const lines = answer.lines.slice(-LINES_SHOWN).reverse().map((line) => lineOf(line, home));
  const notes = [...answer.not_replayed.map((each) => each.text), ...answer.notes];
  return [make('p', { role: 'status', text: summary.join(' ') }), make('ol', { className: 'trace' }, ...lines), ...notes.map((text) => make('p', { className: 'because', text }))];
}

function lineOf({ at, would, did }, home) {
  const calls = (would ?? did).calls.map((call) => actionWords({ ...call, target: { entity_id: call.target } }, home));
  const refused = would?.conditions?.find((each) => each.result !== 'true');
  const why = refused ? Object.entries(refused.values ?? {}).map(([id, value]) => t('{name} is {state}', { name: nameOf(id, home), state: stateOf(id, value, home) })).join(', ') : '';
  const what = would?.status === 'conditions_not_met' ? t('its conditions would not have held: {why}', { why: why || plain(refused?.kind ?? '') }) : calls.join(', ') || t('nothing');
  const really = would && did ? t('it did') : did ? t('really, but it would not now') : '';
  const item = make('li', {}, make('span', { className: 'at' }, timeElement(at)), make('span', { text: what }), ...(really ? [make('span', { className: 'result', text: really })] : []));
  item.title = clock(at);
  return item;
}
