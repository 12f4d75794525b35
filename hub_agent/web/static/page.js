// The page's frame: which view is seen, what of it is read when, and the live changes. A view is drawn when it is first seen, and only the seen one is read.
import { api } from './api.js';
import { changeState, home, readHome } from './home.js';
import { t } from './language.js';
import { safeModePart } from './safe_mode.js';
import { VIEWS } from './views.js';
import { make, refreshTimes } from './words.js';

const $ = (id) => document.getElementById(id);
const QUIET_MS = 250;
const AGAIN_MS = 3000;
// The hub says at least every 15 s that it is there.
const SILENT_MS = 40000;
const AWAKE_MS = 17000;

// By name: {definition, container, view, isRead}. What a view is: see views.js.
const drawn = new Map();
let seen = null;
let wanted = new Set();
let reading = null;
let isFollowing = false;
let hasBegun = false;
let events = null;
let mark = null;
let heardAt = 0;

// Views.

function showNavigation() {
  const links = VIEWS.map(({ name, title, icon }) => {
    const link = make('a', { href: `#${name}`, id: `to-${name}` }, icon(), make('span', { text: title }));
    return make('li', {}, link);
  });
  $('views').setAttribute('aria-label', t('Views'));
  $('views').replaceChildren(make('ul', {}, ...links));
}

function routed() {
  const [name, ...rest] = decodeURIComponent(location.hash.slice(1)).split('/');
  return [VIEWS.find((each) => each.name === name) ?? VIEWS[0], rest.join('/')];
}

async function go(isMoved = true) {
  const [definition, rest] = routed();
  const before = seen;
  seen = definition.name;
  for (const { name } of VIEWS) {
    if (name === seen) $(`to-${name}`).setAttribute('aria-current', 'page');
    else $(`to-${name}`).removeAttribute('aria-current');
  }
  for (const each of drawn.values()) each.container.hidden = each.definition.name !== seen;
  showTitle();
  if (isMoved && before !== seen) { scrollTo(0, 0); $('title').focus({ preventScroll: true }); }
  const known = drawn.get(seen) ?? await draw(definition);
  if (!known || seen !== definition.name) return;
  known.view.go?.(rest);
  // What is read before the changes are followed could be old already.
  if (hasBegun) await readNow(Object.keys(known.view.reads));
}

async function draw(definition) {
  const container = make('div', { className: 'view', id: `view-${definition.name}` });
  try {
    const { view } = await definition.load();
    if (drawn.has(definition.name)) return drawn.get(definition.name);
    container.hidden = seen !== definition.name;
    $('main').append(container);
    drawn.set(definition.name, { definition, container, view: view(container, { readSoon }) });
    return drawn.get(definition.name);
  } catch (err) {
    console.warn(err);
    setLink('down', t('The hub does not answer.'));
    renewAfterUpgrade();
    setTimeout(() => { if (seen === definition.name && !drawn.has(seen)) { seen = null; go(false); } }, AGAIN_MS);
    return null;
  }
}

function showTitle() {
  const [definition] = routed();
  const name = home.name || t('Home');
  $('title').textContent = definition === VIEWS[0] ? name : definition.title;
  document.title = definition === VIEWS[0] ? name : `${definition.title} – ${name}`;
  // A tablet on the wall has all that it needs of the home.
  const missed = home.may === 'view' ? t('This browser may look, and nothing else: what it may not do is not shown, or cannot be pressed.') : home.may === 'control' && definition !== VIEWS[0] ? t('This browser may look and switch: what changes the home itself is not shown, or cannot be pressed.') : '';
  $('rights').textContent = missed;
  $('rights').hidden = missed === '';
}

// Reading.

// Has the named parts of the seen view read anew; those that other views have are read when they are seen.
function readSoon(parts) {
  for (const part of parts) wanted.add(part);
  reading ??= setTimeout(() => {
    const now = [...wanted];
    wanted = new Set();
    reading = null;
    readNow(now);
  }, QUIET_MS);
}

async function readNow(parts) {
  const { view } = drawn.get(seen) ?? {};
  if (!view) return;
  // Devices first: the words of the others need their names.
  try {
    if (parts.includes('home') || !home.name) { await readHome(); showTitle(); showSafeMode(home.safeMode); view.reads.home?.(); }
    await Promise.all(parts.filter((part) => part !== 'home' && part in view.reads).map((part) => view.reads[part]()));
    if (isFollowing) setLink('up', t('live'));
  } catch (err) {
    setLink('down', err.message);
    setTimeout(() => readSoon(parts), AGAIN_MS);
  }
}

const readAll = () => { const known = drawn.get(seen); return known ? readNow(['home', ...Object.keys(known.view.reads)]) : null; };

// Live.

const TOPICS = ['device', 'discovery', 'home', 'issue', 'security', 'alert', 'notice', 'run', 'scene', 'dispute', 'sync', 'activity', 'automation'];

// Goes on after the last event that was heard: nothing is lost, and nothing told twice. Where the hub does not know any more what was missed, it says `resync`.
function follow() {
  const isFirst = mark === null;
  events?.close();
  events = new EventSource(`/api/v1/events${isFirst ? '' : `?after=${encodeURIComponent(mark)}`}`);
  heardAt = Date.now();
  const hear = (topic, act) => events.addEventListener(topic, (event) => {
    heardAt = Date.now();
    if (event.lastEventId) mark = event.lastEventId;
    act(event);
  });
  events.addEventListener('error', () => {
    isFollowing = false;
    setLink('down', t('connection lost, trying again …'));
    if (events.readyState !== EventSource.CLOSED) return;
    // The browser has given up: the hub may be starting, or have forgotten this browser.
    setTimeout(() => { api('status').catch(() => {}).finally(follow); }, AGAIN_MS);
  });
  hear('welcome', () => {
    isFollowing = true;
    if (hasBegun) { setLink('up', t('live')); return; }
    hasBegun = true;
    readAll();
  });
  hear('resync', () => { isFollowing = hasBegun = true; readAll(); renewAfterUpgrade(); });
  hear('alive', () => {});
  hear('state', (event) => {
    const change = JSON.parse(event.data);
    const device = changeState(change);
    drawn.get(seen)?.view.live?.state?.(change, device);
  });
  for (const topic of TOPICS) hear(topic, (event) => happened(topic, event));
}

// A connection that died while the phone slept does not say so.
function followIfSilent(silentMs) {
  if (events.readyState === EventSource.OPEN && Date.now() - heardAt > silentMs) follow();
}

// A view says in `live` what it takes as it is, and in `on` what of it is to be read anew.
function happened(topic, event) {
  const { view } = drawn.get(seen) ?? {};
  if (topic === 'sync') home.cloud = JSON.parse(event.data);
  view?.live?.[topic]?.(JSON.parse(event.data));
  const parts = view?.on?.[topic] ?? [];
  if (parts.length || topic === 'device' || topic === 'home') readSoon(topic === 'device' || topic === 'home' ? ['home', ...parts] : parts);
}

function setLink(kind, text) {
  $('link').className = kind;
  if ($('link').textContent !== text) $('link').textContent = text;
  document.body.classList.toggle('stale', kind === 'down');
  if (kind) $('away').hidden = kind !== 'down' || home.name !== '';
}

// What the page was loaded with. After an upgrade of the hub another version stands at its address.
const PAGE = new URL('.', import.meta.url).pathname;

async function renewAfterUpgrade() {
  const answer = await fetch('/', { cache: 'no-store' }).catch(() => null);
  if (!answer?.ok || answer.redirected || (await answer.text()).includes(PAGE)) return;
  // Nobody loses what is being typed.
  if (document.querySelector('dialog[open]')) setTimeout(renewAfterUpgrade, AGAIN_MS);
  else location.reload();
}

// The page is there without the hub, where the browser lets it be kept: only over https or on the hub itself. Without, it is an ordinary page.
navigator.serviceWorker?.register('/worker.js').catch(() => {});

showNavigation();
$('away').append(make('h2', { text: t('The hub cannot be reached') }), make('p', { text: t('Is this device in the home’s network, and has the hub power? This page tries again by itself.') }));
const showSafeMode = safeModePart($('safe-mode'));
$('skip').textContent = t('Skip to the content');
$('skip').addEventListener('click', (event) => { event.preventDefault(); $('title').focus(); });
addEventListener('hashchange', () => go());
document.addEventListener('visibilitychange', () => { if (!document.hidden) { refreshTimes(); followIfSilent(AWAKE_MS); } });
setInterval(() => { refreshTimes(); followIfSilent(SILENT_MS); }, 5000);
setLink('', t('Connecting …'));
go(false);
follow();
