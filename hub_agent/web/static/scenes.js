// Scenes: pressed, made, edited, deleted and brought back; and whether the cloud has them as they are here.
import { icon } from './icons.js';
import { may } from './home.js';
import { fromHub, t, tn } from './language.js';
import { make } from './words.js';

// `home`: {devices, rooms, cloud, lost}; `api` and `send` are the page's; `changed()` has the scenes read anew.
export function scenesPart(home, { api, send, changed, keepOrSay }) {
  const $ = (id) => document.getElementById(id);
  const path = (id) => `definitions/scene/${encodeURIComponent(id)}`;
  let shown = [];
  // What this page changed last: said until something else is.
  let last = null;

  function show(scenes) {
    shown = scenes;
    again();
  }

  function again() {
    keepOrSay($('scenes'), shown, (scene) => scene.id, tile, home.cloud?.is_claimed ? t('No scenes yet. Make one of how a room is now.') : t('No scenes yet. Make one here, or take them from your NEXA account once the hub is part of your home.'));
    if (last) tellLast();
  }

  function tile(scene) {
    const name = make('b');
    const note = make('span', { className: 'notes' });
    const press = make('button', { type: 'button', className: 'press' });
    const edit = make('button', { type: 'button', className: 'edit', text: '⋯', 'data-needs': 'configure' });
    const element = make('div', { className: 'scene' }, press, edit);
    press.addEventListener('click', () => activate(press));
    edit.addEventListener('click', () => open(press.scene));
    element.show = (now) => {
      press.scene = now;
      press.disabled = !may('control');
      name.textContent = now.name;
      note.replaceChildren(...notes(now).map((text) => make('small', { text })));
      const drawing = icon(now.icon);
      press.replaceChildren(...(drawing ? [drawing] : []), make('span', {}, name, note));
      edit.setAttribute('aria-label', t('Edit {name}', { name: now.name }));
    };
    element.show(scene);
    return element;
  }

  function notes(scene) {
    const isKept = scene.copies.some((copy) => copy.status === 'synced');
    const isLost = home.lost.some((each) => each.kind === 'scene' && each.definition_id === scene.id && each.of === 'hub');
    return [
      tn('{count} device', '{count} devices', scene.devices),
      isKept && t('also kept by the lights themselves'),
      scene.status === 'conflict' && t('to be decided in the settings'),
      scene.status === 'owed' && home.cloud?.is_claimed && t('not in the cloud yet'),
      isLost && scene.status !== 'conflict' && t('the cloud’s change holds, yours is kept'),
    ].filter(Boolean);
  }

  // Pressing.

  async function activate(button) {
    if (button.hasAttribute('aria-busy')) return;
    const { scene } = button;
    last = null;
    button.setAttribute('aria-busy', 'true');
    tell(`${scene.name} …`);
    try {
      tellOutcome(button, await send('POST', `scenes/${encodeURIComponent(scene.id)}/activate`));
    } catch (err) {
      tell(`${scene.name}: ${err.message} `, true, tryAgain(button));
    } finally {
      button.removeAttribute('aria-busy');
    }
  }

  // Each device has confirmed, or it is said which has not and why.
  function tellOutcome(button, answer) {
    const { name } = button.scene;
    const failed = answer.failed_devices ?? [];
    const counted = { name, done: answer.devices_succeeded, all: answer.devices_targeted };
    if (answer.status === 'pending') tell(t('{name}: on its way; some devices take longer.', { name }));
    else if (failed.length === 0) tell(tn('{name}: done, {count} device.', '{name}: done, {count} devices.', answer.devices_succeeded, counted));
    else {
      const why = failed.map((device) => make('li', { text: `${device.name ?? device.id}: ${fromHub(device.error) ?? t('did not answer')}` }));
      tell(t('{name}: {done} of {all} devices followed.', counted), true, make('ul', { className: 'failed' }, ...why), tryAgain(button));
    }
  }

  function tryAgain(pressed) {
    const button = make('button', { type: 'button', text: t('Try again') });
    button.addEventListener('click', () => { pressed.focus(); activate(pressed); });
    return button;
  }

  function tell(text, isBad = false, ...beside) {
    const told = $('scene-told');
    if (told.textContent !== text || beside.length) told.replaceChildren(text, ...beside);
    told.classList.toggle('bad', isBad);
  }

  // Editing.

  async function open(scene) {
    try {
      const { openEditor } = await import('./scene_editor.js');
      openEditor(scene && await api(path(scene.id)), home, {
        save: async (body) => {
          const answer = scene ? await send('PATCH', `scenes/${scene.id}`, body) : await send('POST', 'scenes', body);
          await done(answer.id, answer.name, scene ? t('changed') : t('made'));
        },
        remove: async () => { await send('DELETE', `scenes/${scene.id}`); await done(scene.id, scene.name, t('deleted')); setTimeout(() => $('scene-told').querySelector('button')?.focus()); },
        history: () => api(`${path(scene.id)}/history`),
        undo: async (entry) => { await undo(scene.id, entry); await done(scene.id, scene.name, t('as it was before')); },
      });
    } catch (err) {
      tell(err.message, true);
    }
  }

  const undo = (id, entry) => send('POST', `${path(id)}/undo`, { entry });

  // It is done: a history that cannot be read only costs the button to take it back.
  async function done(id, name, what) {
    const [newest] = await api(`${path(id)}/history`).catch(() => []);
    last = { id, name, what, entry: newest?.entry };
    await changed();
    await tellLast();
  }

  async function tellLast() {
    const { id, name, what, entry } = last;
    const known = shown.find((scene) => scene.id === id) ?? await api(path(id)).catch(() => null);
    if (last?.id !== id || last.what !== what) return;
    const back = make('button', { type: 'button', className: 'less', text: t('Undo') });
    back.setAttribute('aria-label', t('Undo: {name} is {what}', { name, what }));
    back.addEventListener('click', () => takeBack(back));
    const text = `${where(known?.status, { name, what })} `;
    if ($('scene-told').firstChild?.textContent !== text || !$('scene-told').querySelector('button')) tell(text, false, ...(entry ? [back] : []));
  }

  function where(status, values) {
    if (!home.cloud?.is_claimed) return t('“{name}” is {what}.', values);
    if (status === 'conflict') return t('“{name}” is {what} here. It was changed in the cloud, too: decide in the settings.', values);
    if (status !== 'owed') return t('“{name}” is {what}, here and in the cloud.', values);
    return home.cloud.is_online ? t('“{name}” is {what} here, and on its way to the cloud.', values) : t('“{name}” is {what} here. The cloud gets it when it can be reached again.', values);
  }

  async function takeBack(button) {
    const { id, name, entry } = last;
    button.disabled = true;
    try {
      const [newest] = await api(`${path(id)}/history`);
      if (newest?.entry !== entry) throw new Error(t('It was changed again since. Its earlier versions are where it is edited.'));
      await undo(id, entry);
      await done(id, name, t('as it was before'));
    } catch (err) {
      last = null;
      tell(`“${name}”: ${err.message}`, true);
    }
  }

  $('new-scene').addEventListener('click', () => open(null));
  return { show, again };
}
