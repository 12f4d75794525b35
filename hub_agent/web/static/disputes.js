// What was changed on the hub and in the cloud: both values side by side until somebody decides, and what gave way.
import { home } from './home.js';
import { fromHub, t } from './language.js';
import { keep } from './lists.js';
import { actionWords, conditionWords, list as listOf, triggerWords } from './rule_words.js';
import { capital, make, timeElement } from './words.js';

const SIDES = { hub: t('Here'), cloud: t('In the cloud') };

// `doing`: {decide(conflict, side), answer(lost, isPutBack)}, each a promise.
export function disputesPart(section, { decide, answer }) {
  const conflicts = make('div', { id: 'conflicts', className: 'found' });
  const summary = make('summary');
  const list = make('ul');
  const details = make('details', { id: 'lost' }, summary, list);
  section.append(make('h2', { id: 'disputes-title', text: t('Changed here and in the cloud') }), conflicts, details);
  const known = new Set();

  return {
    show(disputed, lost) {
      const isNew = lost.some((each) => each.of === 'hub' && !known.has(each.id));
      for (const each of lost) known.add(each.id);
      section.hidden = disputed.length + lost.length === 0;
      details.hidden = lost.length === 0;
      if (isNew) details.open = true;
      summary.textContent = t('Values that gave way ({count})', { count: lost.length });
      keep(conflicts, disputed, (each) => `${each.kind}/${each.id}`, (each) => conflictCard(each, decide));
      keep(list, lost, (each) => each.id, (each) => lostItem(each, answer));
    },
  };
}

// Parts of a rule are said as its editor says them; all else as the hub does.
const RULE_WORDS = { triggers: triggerWords, conditions: conditionWords, actions: actionWords };

function linesOf(conflict, field, side) {
  const words = conflict.kind === 'automation' ? RULE_WORDS[field.field] : undefined;
  const parts = words ? listOf(field[side].value) : [];
  return parts.length ? parts.map((each) => words(each, home)) : field[side].text;
}

function sideOf(conflict, field, side) {
  const { by, at } = conflict[side];
  const lines = linesOf(conflict, field, side).map((line) => make('li', { text: line }));
  const who = make('small', {}, [by && t('by {name}', { name: by }), at && ' '].filter(Boolean).join(''), ...(at ? [timeElement(at)] : []));
  return make('div', { className: 'side' }, make('b', { text: SIDES[side] }), ' ', who, make('ul', {}, ...lines));
}

function acting(card, told, work, buttons) {
  return async () => {
    if (card.hasAttribute('aria-busy')) return;
    card.setAttribute('aria-busy', 'true');
    for (const button of buttons()) button.disabled = true;
    try {
      await work();
    } catch (err) {
      told.className = 'told bad';
      told.textContent = err.message;
      for (const button of buttons()) button.disabled = false;
    } finally {
      card.removeAttribute('aria-busy');
    }
  };
}

// `decide(conflict, side)` is the API's.
function conflictCard(conflict, decide) {
  const card = make('div', { className: 'card dispute', role: 'group' });
  const told = make('p', { className: 'told', role: 'status' });
  const buttons = () => card.querySelectorAll('button');
  card.show = (now) => {
    card.setAttribute('aria-label', t('{name}: changed here and in the cloud', { name: now.name }));
    const parts = now.fields.flatMap((field) => [
      make('p', { className: 'what', text: capital(fromHub(field.label)) }),
      make('div', { className: 'sides' }, sideOf(now, field, 'hub'), sideOf(now, field, 'cloud')),
    ]);
    const choice = make('p', { className: 'choices', 'data-needs': 'configure' }, ...['hub', 'cloud'].map((side) => {
      const button = make('button', { type: 'button', text: side === 'hub' ? t('Keep what is here') : t('Take the cloud’s') });
      button.addEventListener('click', acting(card, told, () => decide(now, side), buttons));
      return button;
    }));
    card.replaceChildren(make('b', { text: now.name }), make('p', { text: t('It was changed here and in the cloud. The home goes on with what is here until you decide.') }), ...parts, choice, told);
  };
  card.show(conflict);
  return card;
}

// `answer(lost, isPutBack)` is the API's.
function lostItem(lost, answer) {
  const item = make('li', { className: 'lost' });
  const told = make('p', { className: 'told', role: 'status' });
  const buttons = () => item.querySelectorAll('button');
  item.show = (now) => {
    const words = { label: fromHub(now.label), why: fromHub(now.why) };
    const button = (text, isPutBack) => {
      const made = make('button', { type: 'button', className: 'less', text, 'data-needs': 'configure' });
      made.setAttribute('aria-label', `${now.name}, ${words.label}: ${text}`);
      made.addEventListener('click', acting(item, told, () => answer(now, isPutBack), buttons));
      return made;
    };
    item.replaceChildren(
      make('b', { text: now.name }), ` – ${now.of === 'hub' ? t('{label}, as it was here; {why}', words) : t('{label}, as the cloud had it; {why}', words)}, `, timeElement(now.at),
      make('ul', {}, ...now.text.map((line) => make('li', { text: line }))),
      ...(now.can_put_back ? [button(now.of === 'hub' ? t('Take mine back') : t('Take the cloud’s'), true)] : []), ' ', button(t('Forget it'), false), told,
    );
  };
  item.show(lost);
  return item;
}
