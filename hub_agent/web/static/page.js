// The page: reads everything once, then follows the hub's live changes. Everything goes through the API.
import { deviceCard, updateEntity } from './devices.js';
import { runItem } from './runs.js';

const $ = (id) => document.getElementById(id);
const home = { devices: new Map(), rooms: [], entityCards: new Map() };
const RUNS_SHOWN = 12;

export async function api(path, options = {}) {
  const answer = await fetch(`/api/v1/${path}`, {
    ...options,
    headers: options.body ? { 'content-type': 'application/json' } : {},
  });
  if (answer.status === 401) location.assign('/pair');
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error?.message ?? `The hub answered ${answer.status}`);
  return body;
}

async function readAll() {
  const [status, rooms, devices, scenes, runs, issues] = await Promise.all(
    ['status', 'rooms', 'devices', 'scenes', `runs?limit=${RUNS_SHOWN}`, 'issues'].map((path) => api(path)),
  );
  $('home').textContent = status.home.name;
  document.title = status.home.name;
  home.rooms = rooms;
  home.devices = new Map(devices.map((device) => [device.id, device]));
  showDevices();
  showScenes(scenes);
  showRuns(runs);
  showIssues(issues);
  showSync(status.cloud);
}

// Devices, by room.

function showDevices() {
  home.entityCards.clear();
  const visible = [...home.devices.values()].filter((device) => device.entities.length > 0);
  const sections = [...home.rooms, { id: null, name: 'Not in a room yet' }]
    .map((room) => [room, visible.filter((device) => (device.room_id ?? null) === room.id)])
    .filter(([, devices]) => devices.length > 0);
  if (sections.length === 0) {
    $('rooms').replaceChildren(empty('No devices yet. Those that speak MQTT appear here by themselves as soon as they announce themselves.'));
    return;
  }
  $('rooms').replaceChildren(...sections.map(([room, devices]) => roomSection(room, devices)));
}

function roomSection(room, devices) {
  const section = document.createElement('section');
  const title = document.createElement('h3');
  title.textContent = room.name;
  const grid = document.createElement('div');
  grid.className = 'devices';
  for (const device of devices) {
    const card = deviceCard(device, setDevice);
    for (const entity of device.entities) home.entityCards.set(entity.id, { card, device });
    grid.append(card);
  }
  section.append(title, grid);
  return section;
}

async function setDevice(entityId, values) {
  const answer = await api(`devices/${encodeURIComponent(entityId)}/set`, {
    method: 'POST',
    body: JSON.stringify({ values }),
  });
  const failed = answer.commands.find((command) => ['failed', 'expired', 'unconfirmed'].includes(command.outcome));
  if (failed) throw new Error(failed.error ?? 'The device did not answer.');
}

// Scenes.

function showScenes(scenes) {
  if (scenes.length === 0) {
    $('scenes').replaceChildren(empty('No scenes yet. They come from your NEXA account once the hub is part of your home.'));
    return;
  }
  $('scenes').replaceChildren(...scenes.map((scene) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.id = scene.id;
    button.append(scene.name, small(scene.devices === 1 ? '1 device' : `${scene.devices} devices`));
    button.addEventListener('click', () => activate(scene, button));
    return button;
  }));
}

async function activate(scene, button) {
  button.setAttribute('aria-busy', 'true');
  tellScene(`${scene.name} …`);
  try {
    const answer = await api(`scenes/${scene.id}/activate`, { method: 'POST', body: '{}' });
    tellScene(...outcome(scene, answer));
  } catch (err) {
    tellScene(err.message, true);
  } finally {
    button.removeAttribute('aria-busy');
  }
}

function outcome(scene, answer) {
  if (answer.status === 'pending') return [`${scene.name}: on its way; some devices take longer.`, false];
  const names = (answer.failed_devices ?? []).map((device) => `${device.name ?? device.id}: ${device.error ?? 'did not answer'}`);
  const counted = `${scene.name}: ${answer.devices_succeeded} of ${answer.devices_targeted}`;
  return names.length ? [`${counted}. ${names.join('; ')}`, true] : [`${counted} devices`, false];
}

function tellScene(text, isBad = false) {
  $('scene-told').textContent = text;
  $('scene-told').classList.toggle('bad', isBad);
}

// Runs, issues, sync.

function showRuns(runs) {
  if (runs.length === 0) {
    $('runs').replaceChildren(empty('No automation has run yet.', 'li'));
    return;
  }
  const open = new Set([...document.querySelectorAll('#runs details[open]')].map((each) => each.dataset.id));
  $('runs').replaceChildren(...runs.map((run) => runItem(run, open.has(run.id), api)));
}

function showIssues(issues) {
  $('issues').hidden = issues.length === 0;
  $('issues').replaceChildren(...issues.map((issue) => {
    const line = document.createElement('div');
    line.className = `issue ${issue.severity}`;
    const title = document.createElement('b');
    title.textContent = issue.title;
    line.append(title, issue.text);
    return line;
  }));
}

function showSync(sync) {
  const rows = [
    ['State', sync.is_online ? 'online' : 'offline'],
    ['Records waiting', String(sync.waiting)],
    ['Last acknowledged', sync.last_acknowledged_at ? new Date(sync.last_acknowledged_at).toLocaleString() : 'never'],
  ];
  const list = document.createElement('dl');
  for (const [name, value] of rows) {
    const term = document.createElement('dt');
    term.textContent = name;
    const said = document.createElement('dd');
    said.textContent = value;
    list.append(term, said);
  }
  const words = document.createElement('p');
  words.textContent = sync.text;
  words.style.margin = '0';
  $('sync').replaceChildren(words, list);
}

// Live.

function follow() {
  const events = new EventSource('/api/v1/events');
  let timer = null;
  events.addEventListener('open', () => {
    setLink('up', 'live');
    readAll().catch((err) => setLink('down', err.message));
  });
  events.addEventListener('error', () => setLink('down', 'connection lost, trying again …'));
  events.addEventListener('state', (event) => changeState(JSON.parse(event.data)));
  events.addEventListener('sync', (event) => showSync(JSON.parse(event.data)));
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => readAll().catch((err) => setLink('down', err.message)), 250);
  };
  for (const topic of ['device', 'home', 'issue', 'run', 'scene', 'resync']) events.addEventListener(topic, soon);
}

function changeState(change) {
  const shown = home.entityCards.get(change.entity_id);
  if (!shown) return;
  const entity = shown.device.entities.find((each) => each.id === change.entity_id);
  entity.state = change.state ?? 'unknown';
  entity.attributes = change.attributes ?? {};
  updateEntity(shown.card, shown.device, entity);
}

function setLink(kind, text) {
  $('link').className = kind;
  $('link').textContent = text;
}

function small(text) {
  const element = document.createElement('small');
  element.textContent = text;
  return element;
}

function empty(text, tag = 'p') {
  const element = document.createElement(tag);
  element.className = 'card empty';
  element.textContent = text;
  return element;
}

follow();
