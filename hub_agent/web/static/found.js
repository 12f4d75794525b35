// What was met on the network: what waits for somebody is asked for, what nothing here talks to is only told.
import { send } from './api.js';
import { t, tn } from './language.js';
import { keep } from './lists.js';
import { capital, make } from './words.js';

const WORDS = { code: t('Code'), key: t('Key'), password: t('Password'), username: t('User name') };
const STANDING = { lost: t('not reachable'), connecting: t('connecting …'), unsupported: t('nothing here can talk to it'), ignored: t('ignored') };

export const isTold = (thing) => thing.status === 'needs' || thing.status === 'lost';
const isOther = (thing) => ['unsupported', 'ignored', 'connecting'].includes(thing.status);

const kind = (thing) => [thing.brand, thing.model].filter(Boolean).join(' ') || (thing.device_type === 'other' ? '' : thing.device_type.replaceAll('_', ' '));
const place = (thing) => [kind(thing), thing.suggested_room && t('perhaps in: {room}', { room: thing.suggested_room }), thing.address].filter(Boolean).join(' · ');

export function foundPart(section, changed) {
  const needing = make('div', { id: 'found-needing', className: 'found' });
  const summary = make('summary');
  const list = make('ul');
  const others = make('details', { id: 'found-others' }, summary, list);
  section.append(make('h2', { id: 'found-title', text: t('Found on the network') }), needing, others);
  const doing = {
    add: async (what, given) => { await send('POST', 'discovered/add', { what, given }); changed(); },
    ignore: async (what) => { await send('POST', 'discovered/forget', { what }); changed(); },
  };

  return {
    show(things) {
      const told = things.filter(isTold);
      const rest = things.filter(isOther);
      section.hidden = told.length + rest.length === 0;
      keep(needing, told, (thing) => thing.id, (thing) => foundCard(thing, doing));
      others.hidden = rest.length === 0;
      summary.textContent = tn('{count} more on the network', '{count} more on the network', rest.length);
      keep(list, rest, (thing) => thing.id, otherLine);
    },
  };
}

function otherLine(thing) {
  const line = make('li');
  line.show = (now) => { line.textContent = `${now.name} – ${[kind(now), STANDING[now.status]].filter(Boolean).join(', ')}`; };
  line.show(thing);
  return line;
}

// `doing.add(id, given)` takes it up; it throws with words, and `needs` where something else is needed.
function foundCard(thing, doing) {
  const name = make('b');
  const about = make('small');
  const text = make('p');
  const form = make('form', { className: 'given', 'data-needs': 'configure' });
  const told = make('p', { className: 'told', role: 'status' });
  const ignore = make('button', { type: 'button', className: 'less', text: t('Ignore') });
  const card = make('div', { className: 'card', role: 'group' }, name, ' ', about, text, form, told);
  const id = thing.id;
  let asked = '';

  const act = async (work) => {
    form.setAttribute('aria-busy', 'true');
    told.className = 'told';
    told.textContent = t('One moment …');
    try {
      await work();
      told.textContent = '';
    } catch (err) {
      told.className = 'told bad';
      told.textContent = err.message;
    } finally {
      form.removeAttribute('aria-busy');
    }
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (form.hasAttribute('aria-busy')) return;
    act(() => doing.add(id, Object.fromEntries(new FormData(form))));
  });
  ignore.addEventListener('click', () => act(() => doing.ignore(id)));

  card.show = (now) => {
    name.textContent = now.name;
    card.setAttribute('aria-label', now.name);
    ignore.setAttribute('aria-label', `${now.name}: ${t('Ignore')}`);
    about.textContent = place(now);
    text.textContent = now.needs?.text ?? capital(now.reason ?? STANDING[now.status] ?? now.status);
    const wanted = now.needs ? `${now.needs.kind} ${now.needs.fields.join()}` : 'lost';
    if (wanted === asked) return; // What somebody is typing stays.
    asked = wanted;
    const canAdd = now.needs ? now.needs.fields.length > 0 || now.needs.kind === 'button' : true;
    const word = { button: t('I have pressed it'), lost: t('Try again') }[now.needs?.kind ?? 'lost'] ?? t('Add');
    form.replaceChildren(
      ...(now.needs?.fields ?? []).map((field) => make('label', { text: WORDS[field] ?? capital(field) }, ' ', make('input', { name: field, autocomplete: 'off', required: '', type: field === 'password' || field === 'key' ? 'password' : 'text' }))),
      ...(canAdd ? [make('button', { text: word })] : []),
      ignore,
    );
  };
  card.show(thing);
  return card;
}
