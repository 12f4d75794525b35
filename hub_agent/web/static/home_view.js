// The home: what needs somebody, scenes, and the devices by room.
import { api, send } from './api.js';
import { attentionPart } from './attention.js';
import { deviceCard, shapeOf } from './devices.js';
import { foundPart } from './found.js';
import { home } from './home.js';
import { fromHub, t } from './language.js';
import { inSlices, keepOrSay, keeping } from './lists.js';
import { noticesPart } from './notices.js';
import { scenesPart } from './scenes.js';
import { make } from './words.js';

const EQUIPMENT = new Set(['hub', 'bridge', 'router']);

export function view(container, { readSoon }) {
  const attention = make('section', { id: 'issues', 'aria-label': t('What needs you'), hidden: '' });
  const notices = make('section', { id: 'notices', 'aria-label': t('Notices'), hidden: '' });
  const rooms = make('div', { id: 'rooms' });
  const found = make('section', { id: 'found', 'aria-labelledby': 'found-title', hidden: '' });
  container.append(
    attention,
    notices,
    make('section', { 'aria-labelledby': 'scenes-title' },
      make('div', { className: 'title' }, make('h2', { id: 'scenes-title', text: t('Scenes') }), make('button', { id: 'new-scene', 'data-needs': 'configure', className: 'more', type: 'button', text: t('New scene') })),
      make('div', { id: 'scenes', className: 'scenes' }),
      make('p', { id: 'scene-told', className: 'told', role: 'status' })),
    make('section', { 'aria-labelledby': 'rooms-title' }, make('h2', { id: 'rooms-title', className: 'quiet', text: t('Rooms') }), rooms),
    found,
  );
  const shown = attentionPart(attention);
  const scenes = scenesPart(home, { api, send, keepOrSay, changed: () => Promise.all([reads.disputes(), reads.scenes()]) });
  const met = foundPart(found, () => readSoon(['found', 'home']));
  const told = noticesPart(notices, () => readSoon(['notices']));
  let owed = null;
  let drawing = Promise.resolve();
  let round = 0;

  const reads = {
    home: () => showRooms(),
    scenes: async () => scenes.show(await api('scenes')),
    found: async () => {
      const things = await api('discovered');
      met.show(things);
      shown.show({ things });
    },
    notices: async () => told.show(await api('notices')),
    disputes: async () => {
      const [conflicts, lost] = await Promise.all([api('sync/conflicts'), api('sync/lost')]);
      home.lost = lost;
      scenes.again();
      shown.show({ conflicts, lost });
    },
    attention: async () => {
      const [issues, alerts] = await Promise.all(['issues', 'alerts'].map((path) => api(path)));
      shown.show({ issues, alerts });
      // Longer lists, of which a line or two is told: the devices come before them.
      await drawing;
      const [automations, health] = await Promise.all(['automations', 'health'].map((path) => api(path)));
      shown.show({ automations, health });
    },
  };

  const doing = {
    rooms: () => home.rooms,
    set: async (entityId, values) => settled(await send('POST', `devices/${encodeURIComponent(entityId)}/set`, { values })),
    call: async (action, entityId) => settled(await send('POST', 'call', { action, target: [entityId] })),
    place: (deviceId, roomId) => send('PATCH', `devices/${encodeURIComponent(deviceId)}`, { room_id: roomId }),
  };

  function showRooms() {
    const visible = [...home.devices.values()].filter((device) => device.entities.length > 0);
    const inRoom = (device) => home.rooms.some((room) => room.id === device.room_id);
    const loose = visible.filter((device) => !inRoom(device));
    const sections = [
      ...home.rooms.map((room) => ({ ...room, devices: visible.filter((device) => device.room_id === room.id) })),
      { id: 'loose', name: t('Not in a room yet'), devices: loose.filter((device) => !EQUIPMENT.has(device.device_type)) },
      { id: 'equipment', name: t('Equipment'), devices: loose.filter((device) => EQUIPMENT.has(device.device_type)) },
    ].filter((section) => section.devices.length > 0);
    keepOrSay(rooms, sections, (section) => section.id, roomSection, t('No devices yet. Those that speak MQTT appear here by themselves as soon as they announce themselves.'));
    const mine = ++round;
    drawing = inSlices(cardSteps(sections), () => mine === round);
  }

  function* cardSteps(sections) {
    for (const { id } of sections) yield* rooms.querySelector(`#room-${id}`).parentElement.steps();
  }

  function roomSection(room) {
    const title = make('h3', { id: `room-${room.id}` });
    const grid = make('div', { className: 'devices' });
    const section = make('section', { 'aria-labelledby': title.id }, title, grid);
    let { devices } = room;
    section.show = (now) => {
      title.textContent = now.name;
      ({ devices } = now);
    };
    section.steps = () => keeping(grid, devices, (device) => `${device.id} ${shapeOf(device)}`, (device) => deviceCard(device, doing));
    section.show(room);
    return section;
  }

  return {
    reads,
    on: { device: ['attention'], discovery: ['found'], home: ['scenes', 'attention', 'disputes'], issue: ['attention'], alert: ['attention'], notice: ['notices'], scene: ['scenes'], dispute: ['disputes', 'scenes'] },
    live: {
      state: (_change, device) => { document.getElementById(`device-${device?.id}`)?.closest('.device').show(device); },
      sync: (sync) => { if (owed !== sync.definitions_owed) readSoon(['scenes']); owed = sync.definitions_owed; },
    },
    go: (rest) => { if (rest === 'found') drawing.then(() => found.scrollIntoView()); },
  };
}

function settled(answer) {
  const failed = answer.commands.find((command) => ['failed', 'expired', 'unconfirmed'].includes(command.outcome));
  if (failed) throw new Error(fromHub(failed.error) ?? t('The device did not answer.'));
}
