// Scenes: pressed, made, edited, deleted and brought back; and whether the cloud has them as they are here.
import { icon } from './icons.js';
import { openEditor } from './scene_editor.js';
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
    keepOrSay($('scenes'), shown, (scene) => scene.id, tile, home.cloud?.is_claimed ? 'No scenes yet. Make one of how a room is now.' : 'No scenes yet. Make one here, or take them from your NEXA account once the hub is part of your home.');
    if (last) tellLast();
  }

  function tile(scene) {
    const name = make('span');
    const note = make('span', { className: 'notes' });
    const press = make('button', { type: 'button', className: 'press' });
    const edit = make('button', { type: 'button', className: 'edit', text: '⋯' });
    const element = make('div', { className: 'scene' }, press, edit);
    press.addEventListener('click', () => activate(press));
    edit.addEventListener('click', () => open(press.scene));
    element.show = (now) => {
      press.scene = now;
      name.textContent = now.name;
      note.replaceChildren(...notes(now).map((text) => make('small', { text })));
      const drawing = icon(now.icon);
      press.replaceChildren(...(drawing ? [drawing] : []), make('span', {}, name, note));
      edit.setAttribute('aria-label', `Edit ${now.name}`);
    };
    element.show(scene);
    return element;
  }

  function notes(scene) {
    const isKept = scene.copies.some((copy) => copy.status === 'synced');
    const isLost = home.lost.some((each) => each.kind === 'scene' && each.definition_id === scene.id && each.of === 'hub');
    return [
      scene.devices === 1 ? '1 device' : `${scene.devices} devices`,
      isKept && 'also kept by the lights themselves',
      scene.status === 'conflict' && 'to be decided, see above',
      scene.status === 'owed' && home.cloud?.is_claimed && 'not in the cloud yet',
      isLost && scene.status !== 'conflict' && 'the cloud’s change holds, yours is kept',
    ].filter(Boolean);
  }

  // Pressing.

  async function activate(button) {
    if (button.hasAttribute('aria-busy')) return;
    const scene = button.scene;
    last = null;
    button.setAttribute('aria-busy', 'true');
    tell(`${scene.name} …`);
    try {
      tell(...outcome(scene, await send('POST', `scenes/${scene.id}/activate`)));
    } catch (err) {
      tell(`${scene.name}: ${err.message}`, true);
    } finally {
      button.removeAttribute('aria-busy');
    }
  }

  function outcome(scene, answer) {
    if (answer.status === 'pending') return [`${scene.name}: on its way; some devices take longer.`, false];
    const failed = (answer.failed_devices ?? []).map((device) => `${device.name ?? device.id}: ${device.error ?? 'did not answer'}`);
    const counted = `${scene.name}: ${answer.devices_succeeded} of ${answer.devices_targeted}`;
    return failed.length ? [`${counted} devices followed. ${failed.join('; ')}`, true] : [`${scene.name}: done, ${answer.devices_succeeded === 1 ? '1 device' : `${answer.devices_succeeded} devices`}.`, false];
  }

  function tell(text, isBad = false, ...beside) {
    const told = $('scene-told');
    if (told.textContent !== text || beside.length) told.replaceChildren(text, ...beside);
    told.classList.toggle('bad', isBad);
  }

  // Editing.

  async function open(scene) {
    try {
      openEditor(scene && await api(path(scene.id)), home, {
        save: async (body) => {
          const answer = scene ? await send('PATCH', `scenes/${scene.id}`, body) : await send('POST', 'scenes', body);
          await done(answer.id, answer.name, scene ? 'changed' : 'made');
        },
        remove: async () => { await send('DELETE', `scenes/${scene.id}`); await done(scene.id, scene.name, 'deleted'); setTimeout(() => $('scene-told').querySelector('button')?.focus()); },
        history: () => api(`${path(scene.id)}/history`),
        undo: async (entry) => { await undo(scene.id, entry); await done(scene.id, scene.name, 'as it was before'); },
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
    const back = make('button', { type: 'button', className: 'less', text: 'Undo' });
    back.setAttribute('aria-label', `Undo: ${name} is ${what}`);
    back.addEventListener('click', () => takeBack(back));
    const text = `“${name}” is ${what}${where(known?.status)} `;
    if ($('scene-told').firstChild?.textContent !== text || !$('scene-told').querySelector('button')) tell(text, false, ...(entry ? [back] : []));
  }

  function where(status) {
    if (!home.cloud?.is_claimed) return '.';
    if (status === 'conflict') return ' here. It was changed in the cloud, too: decide above.';
    if (status !== 'owed') return ', here and in the cloud.';
    return home.cloud.is_online ? ' here, and on its way to the cloud.' : ' here. The cloud gets it when it can be reached again.';
  }

  async function takeBack(button) {
    const { id, name, entry } = last;
    button.disabled = true;
    try {
      const [newest] = await api(`${path(id)}/history`);
      if (newest?.entry !== entry) throw new Error('It was changed again since. Its earlier versions are where it is edited.');
      await undo(id, entry);
      await done(id, name, 'as it was before');
    } catch (err) {
      last = null;
      tell(`“${name}”: ${err.message}`, true);
    }
  }

  $('new-scene').addEventListener('click', () => open(null));
  return { show, again };
}
