// What was changed on the hub and in the cloud: both values side by side until somebody decides, and what gave way.
import { make, timeElement } from './words.js';

const SIDES = { hub: 'Here', cloud: 'In the cloud' };

function sideOf(conflict, field, side) {
  const { by, at } = conflict[side];
  const lines = field[side].text.map((line) => make('li', { text: line }));
  const who = make('small', {}, [by && `by ${by}`, at && ' '].filter(Boolean).join(''), ...(at ? [timeElement(at)] : []));
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
export function conflictCard(conflict, decide) {
  const card = make('div', { className: 'card dispute', role: 'group' });
  const told = make('p', { className: 'told', role: 'status' });
  const buttons = () => card.querySelectorAll('button');
  card.show = (now) => {
    card.setAttribute('aria-label', `${now.name}: changed here and in the cloud`);
    const parts = now.fields.flatMap((field) => [
      make('p', { className: 'what', text: `${field.label[0].toUpperCase()}${field.label.slice(1)}` }),
      make('div', { className: 'sides' }, sideOf(now, field, 'hub'), sideOf(now, field, 'cloud')),
    ]);
    const choice = make('p', { className: 'choices' }, ...['hub', 'cloud'].map((side) => {
      const button = make('button', { type: 'button', text: side === 'hub' ? 'Keep what is here' : 'Take the cloud’s' });
      button.addEventListener('click', acting(card, told, () => decide(now, side), buttons));
      return button;
    }));
    card.replaceChildren(make('b', { text: now.name }), make('p', { text: 'It was changed here and in the cloud. The home goes on with what is here until you decide.' }), ...parts, choice, told);
  };
  card.show(conflict);
  return card;
}

// `answer(lost, isPutBack)` is the API's.
export function lostItem(lost, answer) {
  const item = make('li', { className: 'lost' });
  const told = make('p', { className: 'told', role: 'status' });
  const buttons = () => item.querySelectorAll('button');
  item.show = (now) => {
    const button = (text, isPutBack) => {
      const made = make('button', { type: 'button', className: 'less', text });
      made.setAttribute('aria-label', `${now.name}, ${now.label}: ${text.toLowerCase()}`);
      made.addEventListener('click', acting(item, told, () => answer(now, isPutBack), buttons));
      return made;
    };
    item.replaceChildren(
      make('b', { text: now.name }), ` – ${now.label}, as ${now.of === 'hub' ? 'it was here' : 'the cloud had it'}; ${now.why}, `, timeElement(now.at),
      make('ul', {}, ...now.text.map((line) => make('li', { text: line }))),
      ...(now.can_put_back ? [button(now.of === 'hub' ? 'Take mine back' : 'Take the cloud’s', true)] : []), ' ', button('Forget it', false), told,
    );
  };
  item.show(lost);
  return item;
}
