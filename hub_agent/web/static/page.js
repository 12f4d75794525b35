// The page: reads what the home is, then follows its live changes. Everything goes through the API; what is shown is changed in place.
import { deviceCard, shapeOf } from './devices.js';
import { conflictCard, lostItem } from './disputes.js';
import { foundCard, isOther, isTold, otherLine } from './found.js';
import { hasHappened, runItem } from './runs.js';
import { scenesPart } from './scenes.js';
import { make, refreshTimes, timeElement } from './words.js';

const $ = (id) => document.getElementById(id);
const RUNS_SHOWN = 12;
const RUNS_READ = 60;
const QUIET_MS = 250;
const AGAIN_MS = 3000;
const EQUIPMENT = new Set(['hub', 'bridge', 'router']);

const home = { devices: new Map(), rooms: [], cards: new Map(), places: new Map(), runs: [], cloud: null, lost: [], find: (entityId) => home.places.get(entityId) };

async function api(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}`, { ...options, headers: options.body ? { 'content-type': 'application/json' } : {} });
  } catch {
    throw new Error('The hub does not answer.');
  }
  if (answer.status === 401) location.assign('/pair');
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error([body.error?.message ?? `The hub answered ${answer.status}.`, body.error?.hint].filter(Boolean).join(' ')), { field: body.error?.field });
  return body;
}

const send = (method, path, body = {}) => api(path, { method, body: JSON.stringify(body) });
const scenes = scenesPart(home, { api, send, keepOrSay, changed: () => readAll(['sync', 'scenes']) });

// What is read anew when something of a kind has changed.
const READ = {
  home: async () => {
    const [status, rooms, devices] = await Promise.all(['status', 'rooms', 'devices'].map((path) => api(path)));
    $('home').textContent = document.title = status.home.name;
    home.rooms = rooms;
    showDevices(devices);
    showSync(status.cloud);
  },
  found: async () => showFound(await api('discovered')),
  disputes: async () => showDisputes(...await Promise.all([api('sync/conflicts'), api('sync/lost')])),
  scenes: async () => scenes.show(await api('scenes')),
  sync: async () => showSync(await api('sync')),
  runs: async () => { home.runs = await api(`runs?limit=${RUNS_READ}`); showRuns(); },
  notices: async () => showNotices(await api('notices')),
  issues: async () => showIssues(await api('issues'), await api('automations')),
};
const READ_ON = { device: ['home'], discovery: ['found'], home: ['home', 'scenes', 'issues', 'disputes'], issue: ['issues'], notice: ['notices'], run: ['runs'], scene: ['scenes', 'sync'], dispute: ['disputes'], resync: Object.keys(READ) };

const wanted = new Set();
let reading = null;
let isFollowing = false;

function readSoon(parts) {
  for (const part of parts) wanted.add(part);
  reading ??= setTimeout(async () => {
    const now = [...wanted];
    wanted.clear();
    reading = null;
    await readAll(now);
  }, QUIET_MS);
}

async function readAll(parts) {
  // Devices first: the words of runs need their names.
  try {
    if (parts.includes('home')) await READ.home();
    await Promise.all(parts.filter((part) => part !== 'home').map((part) => READ[part]()));
    if (isFollowing) setLink('up', 'live');
  } catch (err) {
    setLink('down', err.message);
    setTimeout(() => readSoon(parts), AGAIN_MS);
  }
}

// Keeps a list of elements as the things are: the same thing keeps its element, and nothing moves that stands right.
function keep(container, things, keyOf, create) {
  const known = new Map([...container.children].filter((child) => child.thing).map((child) => [child.thing, child]));
  let next = container.firstElementChild;
  for (const thing of things) {
    const key = keyOf(thing);
    let element = known.get(key);
    known.delete(key);
    if (element) element.show?.(thing);
    else { element = create(thing); element.thing = key; }
    if (element === next) next = next.nextElementSibling;
    else container.insertBefore(element, next);
  }
  while (next) { const gone = next; next = next.nextElementSibling; gone.remove(); }
  for (const left of known.values()) left.remove();
}

function keepOrSay(container, things, keyOf, create, nothing, tag = 'p') {
  if (things.length === 0) container.replaceChildren(make(tag, { className: 'card empty', text: nothing }));
  else keep(container, things, keyOf, create);
}

// What hub and cloud do not agree about, and what gave way.

function showDisputes(conflicts, lost) {
  const isNew = lost.some((each) => each.of === 'hub' && !home.lost.some((known) => known.id === each.id));
  home.lost = lost;
  scenes.again();
  $('disputes').hidden = conflicts.length + lost.length === 0;
  $('lost').hidden = lost.length === 0;
  if (isNew) $('lost').open = true;
  $('lost').querySelector('summary').textContent = `Values that gave way (${lost.length})`;
  keep($('conflicts'), conflicts, (each) => `${each.kind}/${each.id}`, (each) => conflictCard(each, async (now, side) => {
    await send('POST', `sync/conflicts/${encodeURIComponent(now.id)}/decide`, { side });
    readSoon(['disputes', 'scenes']);
  }));
  keep($('lost').querySelector('ul'), lost, (each) => each.id, (each) => lostItem(each, async (now, isPutBack) => {
    await send('POST', `sync/lost/${now.id}`, { put_back: isPutBack });
    readSoon(['disputes', 'scenes']);
  }));
}

// Devices, by room.

const doing = {
  rooms: () => home.rooms,
  set: async (entityId, values) => settled(await send('POST', `devices/${encodeURIComponent(entityId)}/set`, { values })),
  call: async (action, entityId) => settled(await send('POST', 'call', { action, target: [entityId] })),
  place: (deviceId, roomId) => send('PATCH', `devices/${encodeURIComponent(deviceId)}`, { room_id: roomId }),
};

function settled(answer) {
  const failed = answer.commands.find((command) => ['failed', 'expired', 'unconfirmed'].includes(command.outcome));
  if (failed) throw new Error(failed.error ?? 'The device did not answer.');
}

function showDevices(devices) {
  home.devices = new Map(devices.map((device) => [device.id, device]));
  home.places = new Map(devices.flatMap((device) => device.entities.map((entity) => [entity.id, { device, entity }])));
  const visible = devices.filter((device) => device.entities.length > 0);
  const inRoom = (device) => home.rooms.some((room) => room.id === device.room_id);
  const loose = visible.filter((device) => !inRoom(device));
  const sections = [
    ...home.rooms.map((room) => ({ ...room, devices: visible.filter((device) => device.room_id === room.id) })),
    { id: 'loose', name: 'Not in a room yet', devices: loose.filter((device) => !EQUIPMENT.has(device.device_type)) },
    { id: 'equipment', name: 'Equipment', devices: loose.filter((device) => EQUIPMENT.has(device.device_type)) },
  ].filter((section) => section.devices.length > 0);
  home.cards.clear();
  keepOrSay($('rooms'), sections, (section) => section.id, roomSection, 'No devices yet. Those that speak MQTT appear here by themselves as soon as they announce themselves.');
}

function roomSection(room) {
  const title = make('h3', { id: `room-${room.id}` });
  const grid = make('div', { className: 'devices' });
  const section = make('section', { 'aria-labelledby': title.id }, title, grid);
  section.show = (now) => {
    title.textContent = now.name;
    keep(grid, now.devices, (device) => `${device.id} ${shapeOf(device)}`, (device) => deviceCard(device, doing));
    for (const [index, device] of now.devices.entries()) home.cards.set(device.id, grid.children[index]);
  };
  section.show(room);
  return section;
}

function changeState(change) {
  const place = home.places.get(change.entity_id);
  if (!place) return;
  place.entity.state = change.state ?? 'unknown';
  place.entity.attributes = change.attributes ?? {};
  home.cards.get(place.device.id)?.show(place.device);
}

// Found on the network.

const meeting = {
  add: async (what, given) => { await send('POST', 'discovered/add', { what, given }); readSoon(['found', 'home']); },
  ignore: async (what) => { await send('POST', 'discovered/forget', { what }); readSoon(['found']); },
};

function showFound(things) {
  const needing = things.filter(isTold);
  const others = things.filter(isOther);
  $('found').hidden = needing.length + others.length === 0;
  keep($('found-needing'), needing, (thing) => thing.id, (thing) => foundCard(thing, meeting));
  $('found-others').hidden = others.length === 0;
  $('found-others').querySelector('summary').textContent = `${others.length} more on the network`;
  keep($('found-others').querySelector('ul'), others, (thing) => thing.id, otherLine);
}

// Runs, issues, sync.

function showRuns() {
  const isAll = $('all-runs').checked;
  const runs = home.runs.filter((run) => isAll || hasHappened(run)).slice(0, RUNS_SHOWN);
  $('all-runs-row').hidden = home.runs.every(hasHappened);
  keepOrSay($('runs'), runs, (run) => run.id, (run) => runItem(run, home, api), 'No automation has run yet.', 'li');
}

$('all-runs').addEventListener('change', showRuns);

function showIssues(issues, automations) {
  const broken = automations.filter((each) => each.problem).map((each) => ({ code: 'automation', subject: each.id, severity: 'warning', title: `The automation “${each.name}” cannot run`, text: each.problem }));
  const all = [...issues, ...broken];
  $('issues').hidden = all.length === 0;
  keep($('issues'), all, (issue) => `${issue.code} ${issue.subject}`, issueLine);
}

function issueLine(issue) {
  const title = make('b');
  const text = make('span');
  const line = make('div', {}, title, text);
  line.show = (now) => {
    line.className = `issue ${now.severity}`;
    title.textContent = now.title;
    text.replaceChildren(now.text, ...(now.since ? [' (', timeElement(now.since), ')'] : []));
  };
  line.show(issue);
  return line;
}

// What rules said to people. It stands until somebody has read it.

function showNotices(notices) {
  $('notices').hidden = notices.length === 0;
  keep($('notices'), notices, (notice) => notice.id, noticeLine);
}

function noticeLine(notice) {
  const title = make('b');
  const text = make('span', { className: 'said' });
  const dismiss = make('button', { text: 'Dismiss', type: 'button' });
  const line = make('div', { className: 'issue notice' }, title, text, dismiss);
  dismiss.addEventListener('click', async () => {
    dismiss.disabled = true;
    try {
      await send('POST', 'call', { action: 'persistent_notification.dismiss', data: { notification_id: notice.id } });
      readSoon(['notices']);
    } catch (error) {
      text.textContent = error.message;
      dismiss.disabled = false;
    }
  });
  line.show = (now) => {
    title.textContent = now.title || 'Notice';
    text.replaceChildren(now.message, ' (', timeElement(now.created_at), ')');
  };
  line.show(notice);
  return line;
}

function showSync(sync) {
  const isOtherwise = home.cloud && home.cloud.definitions_owed !== sync.definitions_owed;
  home.cloud = sync;
  if (isOtherwise) readSoon(['scenes']);
  $('sync-text').textContent = sync.text;
  $('sync-lines').replaceChildren(...(sync.lines ?? []).map((line) => make('li', { text: line.replace(/ \(nexa-hub [^)]*\)/g, '') })));
  const rows = [];
  if (sync.is_claimed) rows.push(['Records waiting', sync.waiting.toLocaleString()], ['Last acknowledged', sync.last_acknowledged_at ? timeElement(sync.last_acknowledged_at) : 'never yet']);
  $('sync-facts').replaceChildren(...rows.flatMap(([name, value]) => [make('dt', { text: name }), make('dd', {}, value)]));
}

// Live.

function follow() {
  const events = new EventSource('/api/v1/events');
  events.addEventListener('open', () => { isFollowing = true; readAll(Object.keys(READ)); });
  events.addEventListener('error', () => {
    isFollowing = false;
    setLink('down', 'connection lost, trying again …');
    if (events.readyState !== EventSource.CLOSED) return;
    // The browser has given up: the hub may be starting, or have forgotten this browser.
    setTimeout(() => { api('status').catch(() => {}).finally(follow); }, AGAIN_MS);
  });
  events.addEventListener('state', (event) => changeState(JSON.parse(event.data)));
  events.addEventListener('sync', (event) => showSync(JSON.parse(event.data)));
  for (const [topic, parts] of Object.entries(READ_ON)) events.addEventListener(topic, () => readSoon(parts));
}

function setLink(kind, text) {
  $('link').className = kind;
  $('link').textContent = text;
  document.body.classList.toggle('stale', kind === 'down');
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) { refreshTimes(); readSoon(Object.keys(READ)); } });
setInterval(refreshTimes, 5000);
follow();
