// Who may come in: this browser, the others, and programs with a token; a code for another browser, a token for a program, and the end of either.
import { api, send } from './api.js';
import { t } from './language.js';
import { keep } from './lists.js';
import { make, timeElement } from './words.js';

const MAY = { view: t('may look'), control: t('may look and switch'), configure: t('may do everything') };
const SURE_MS = 5000;

export function accessPart() {
  const own = make('p');
  const leave = make('button', { type: 'button', className: 'less', text: t('Leave with this browser') });
  const keys = make('ul', { className: 'keys' });
  const told = make('p', { className: 'told', role: 'status' });
  const more = make('div', {}, browserForm(), tokenForm());
  const element = make('section', { id: 'access', 'aria-labelledby': 'access-title' }, make('h2', { id: 'access-title', text: t('Who may come in') }), make('div', { className: 'card access' }, own, leave, keys, told, more));
  leave.addEventListener('click', () => sure(leave, async () => { await send('POST', 'leave'); location.assign('/pair'); }));

  async function read() {
    const me = await api('access/me');
    const isAll = me.scope === 'configure';
    own.textContent = t('This browser is “{name}” and {may}.', { name: me.name, may: MAY[me.scope] });
    leave.hidden = !me.id;
    keys.hidden = more.hidden = !isAll;
    if (!isAll) return;
    const [{ sessions, tokens }, scenes] = await Promise.all([api('access'), api('scenes')]);
    const named = Object.fromEntries(scenes.map((scene) => [scene.id, scene.name]));
    const all = [...sessions.filter((each) => !each.is_this).map((each) => ({ ...each, what: t('Browser') })), ...tokens.map((each) => ({ ...each, what: t('Token') }))];
    keep(keys, all, (each) => each.id, (each) => keyLine(each, named));
    const select = more.querySelector('[name=scene]');
    const chosen = select.value;
    select.replaceChildren(make('option', { value: '', text: t('no, as chosen above') }), ...scenes.map((scene) => make('option', { value: scene.id, text: scene.name })));
    select.value = chosen;
  }

  function keyLine(key, named) {
    const about = make('small');
    const end = make('button', { type: 'button', className: 'less', text: t('Revoke') });
    const line = make('li', {}, make('span', {}, make('b', { text: key.name }), about), end);
    end.setAttribute('aria-label', t('Revoke {name}', { name: key.name }));
    end.addEventListener('click', () => sure(end, async () => { await api(`access/${key.id}`, { method: 'DELETE' }); await read(); }));
    line.show = (now) => {
      const may = now.scene_id ? t('only the scene {name}', { name: named[now.scene_id] ?? '?' }) : MAY[now.scope];
      const seen = now.last_seen_at ? [`${t('last here')} `, timeElement(now.last_seen_at)] : [t('never used')];
      const ends = now.expires_at && now.what === t('Token') ? [` · ${t('until')} `, timeElement(now.expires_at)] : [];
      about.replaceChildren(`${now.what} · ${may} · `, ...seen, ...ends);
    };
    line.show(key);
    return line;
  }

  // The first press asks, the second does it.
  async function sure(button, act) {
    if (!button.dataset.asked) {
      button.dataset.asked = button.textContent;
      button.textContent = t('Press again to do it');
      setTimeout(() => { if (button.dataset.asked) { button.textContent = button.dataset.asked; delete button.dataset.asked; } }, SURE_MS);
      return;
    }
    button.textContent = button.dataset.asked;
    delete button.dataset.asked;
    await attempt(button, act);
  }

  async function attempt(button, act) {
    button.disabled = true;
    told.classList.remove('bad');
    try {
      await act();
    } catch (err) {
      told.textContent = err.message;
      told.classList.add('bad');
    } finally {
      button.disabled = false;
    }
  }

  function browserForm() {
    const name = make('input', { name: 'browser', maxlength: 80, autocomplete: 'off', placeholder: t('Tablet in the hall') });
    const scope = scopes('control');
    const go = make('button', { type: 'submit', text: t('Show a code') });
    const shown = make('p', { role: 'status', className: 'secret' });
    return form(t('Let in another browser'), [[t('Its name'), name], [t('What it may do'), scope]], go, shown, async () => {
      const offer = await send('POST', 'access/codes', { name: name.value.trim(), scope: scope.value });
      shown.replaceChildren(make('b', { text: `${offer.code.slice(0, 3)} ${offer.code.slice(3)}` }), ' ', t('Open {address} there and enter this code within a quarter of an hour.', { address: `${location.origin}/` }));
    });
  }

  function tokenForm() {
    const name = make('input', { name: 'token', maxlength: 80, autocomplete: 'off', required: '', placeholder: t('Button at the door') });
    const scope = scopes('control');
    const scene = make('select', { name: 'scene' });
    const days = make('input', { name: 'days', type: 'number', min: 1, max: 3650, inputmode: 'numeric', placeholder: t('until revoked') });
    const go = make('button', { type: 'submit', text: t('Make a token') });
    const shown = make('p', { role: 'status', className: 'secret' });
    scene.addEventListener('change', () => { scope.disabled = Boolean(scene.value); });
    return form(t('A token for a program or a button'), [[t('Its name'), name], [t('What it may do'), scope], [t('Only one scene'), scene], [t('Days'), days]], go, shown, async () => {
      const ends = days.value ? new Date(Date.now() + Number(days.value) * 86400000).toISOString() : null;
      const made = await send('POST', 'access/tokens', { name: name.value.trim(), scope: scope.value, scene: scene.value || null, expires_at: ends });
      shown.replaceChildren(make('code', { text: made.token }), ' ', t('Keep it safe: it is not shown again. It is sent as the header “Authorization: Bearer …”.'));
      name.value = '';
      await read();
    });
  }

  function form(title, fields, go, shown, act) {
    const rows = fields.map(([label, field]) => make('label', { className: 'row' }, make('span', { className: 'label', text: label }), field));
    const element = make('form', {}, ...rows, go);
    element.addEventListener('submit', (event) => {
      event.preventDefault();
      shown.replaceChildren();
      attempt(go, act);
    });
    return make('details', {}, make('summary', { text: title }), element, shown);
  }

  return { element, read };
}

function scopes(chosen) {
  const select = make('select', { name: 'scope' }, ...Object.entries(MAY).map(([value, text]) => make('option', { value, text })));
  select.value = chosen;
  return select;
}
