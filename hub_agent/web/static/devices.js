// A device's card: what it says, and controls that fit what it can do. Cards are changed in place, so that nothing is lost under the finger.
import { colourOf } from './colours.js';
import { may } from './home.js';
import { t, tn } from './language.js';
import { capital, make, measure, plain, stateWords } from './words.js';

const ON_OFF = new Set(['light', 'switch', 'fan', 'siren', 'humidifier', 'input_boolean']);
const ROWS_MAX = 4;
const BATTERY_LOW = 20;
const SURE_MS = 4000;

// What a device measures for people comes before what it measures of itself.
const ORDER = ['temperature', 'humidity', 'power', 'energy', 'carbon_dioxide', 'illuminance', 'pressure', 'atmospheric_pressure'];

// `doing`: {set(entityId, values), call(action, entityId), place(deviceId, roomId), rooms()}.
export function deviceCard(device, doing) {
  const card = make('article', { className: 'card device' });
  const name = make('h4', { id: `device-${device.id}` });
  const note = make('p', { className: 'note', role: 'status' });
  card.setAttribute('aria-labelledby', name.id);
  const fault = make('p', { className: 'note bad', role: 'alert' });
  const tell = (text) => { fault.textContent = text; };
  const [shown, folded] = split(device);
  const rows = new Map();
  const add = (entity) => {
    const parts = partsOf(device, entity, doing, tell);
    rows.set(entity.id, parts);
    return make('div', { className: 'entity', 'data-entity': entity.id }, ...parts.map((part) => part.element));
  };
  card.append(make('header', {}, name, note), ...shown.map(add));
  const room = roomPart(device, doing, tell);
  card.append(foldedPart(folded, add, room), fault);
  card.show = (now) => {
    name.textContent = now.name;
    const isAway = now.availability === 'unavailable' || (shown.length > 0 && now.entities.every((entity) => entity.state === 'unavailable'));
    const isLow = now.battery_level != null && now.battery_level <= BATTERY_LOW;
    note.textContent = [isAway && t('not reachable'), isLow && t('battery {level}', { level: measure(now.battery_level, '%') })].filter(Boolean).join(', ');
    card.classList.toggle('away', isAway);
    card.classList.toggle('lit', now.entities.some((entity) => entity.domain === 'light' && entity.state === 'on'));
    room.show(now);
    for (const entity of now.entities) for (const part of rows.get(entity.id) ?? []) part.show(entity);
    if (!may('control')) for (const each of card.querySelectorAll('input, select')) each.disabled = true;
  };
  card.show(device);
  return card;
}

// Two devices of the same shape can share a card; of another one it is made anew.
export function shapeOf(device) {
  return JSON.stringify(device.entities.map(({ id, name, domain, device_class, unit, category, capabilities }) => [id, name, domain, device_class, unit, category, capabilities]));
}

function split(device) {
  const main = device.entities.filter((entity) => !entity.category);
  const hasControl = main.some(isSettable);
  const isAside = (entity) => entity.device_class === 'enum' && hasControl;
  const shown = main.filter((entity) => !isAside(entity)).sort((one, other) => weight(one) - weight(other)).slice(0, ROWS_MAX);
  return [shown, device.entities.filter((entity) => !shown.includes(entity))];
}

function weight(entity) {
  if (isSettable(entity)) return 0;
  if (entity.domain === 'binary_sensor' || entity.domain === 'event') return 1;
  const place = ORDER.indexOf(entity.device_class);
  return (place < 0 ? ORDER.length : place) + (entity.state === 'unknown' ? 40 : 2);
}

function isSettable(entity) {
  return Object.values(entity.capabilities).some((capability) => capability.access.includes('w'));
}

function foldedPart(entities, add, room) {
  const details = make('details', { className: 'all', ...(entities.length ? {} : { 'data-needs': 'configure' }) });
  details.append(make('summary', { text: entities.length ? tn('{count} more', '{count} more', entities.length) : t('Room') }));
  for (const [title, category] of [[null, null], [t('Settings of the device'), 'config'], [t('Diagnostics'), 'diagnostic']]) {
    const some = entities.filter((entity) => (entity.category ?? null) === category);
    if (title && some.length) details.append(make('h5', { text: title }));
    details.append(...some.map(add));
  }
  details.append(room.element);
  return details;
}

function partsOf(device, entity, doing, tell) {
  const can = entity.capabilities;
  const label = entity.name ?? '';
  const spoken = entity.name ? `${device.name}, ${entity.name}` : device.name;
  const attempt = attemptWith(tell);
  const set = (control, values) => attempt(control, () => doing.set(entity.id, values));
  const parts = [];
  if (ON_OFF.has(entity.domain) && can.on?.access.includes('w')) parts.push(switchPart(label, spoken, set));
  else if (entity.domain === 'cover' || entity.domain === 'valve') parts.push(coverPart(entity, spoken, set, (control) => attempt(control, () => doing.call(`${entity.domain}.stop_${entity.domain}`, entity.id))));
  else if (entity.domain === 'lock') parts.push(lockPart(label, spoken, set));
  else if (entity.domain === 'climate') parts.push(...climateParts(can, spoken, set));
  else if (entity.domain === 'media_player') parts.push(...playerParts(can, spoken, set, (control, verb) => attempt(control, () => doing.call(`media_player.${verb}`, entity.id))));
  else if (entity.domain === 'button') parts.push(buttonPart(label, spoken, set, can));
  else if (isChoice(entity)) parts.push(choicePart(label, spoken, set, can));
  else if (isNumber(entity)) parts.push(numberPart(label, spoken, ...Object.entries(can)[0], set, (now) => now.state));
  else parts.push(valuePart(label || kindOf(entity), entity));
  if (entity.domain === 'light' && can.color?.access.includes('w')) parts.push(colourPart(spoken, set));
  for (const [name, slider] of Object.entries(SLIDERS)) {
    if (can[name]?.access.includes('w') && can[name].max != null) parts.push(sliderPart(slider, name, can[name], spoken, set));
  }
  return parts;
}

const isChoice = (entity) => ['select', 'input_select'].includes(entity.domain) && isSettable(entity);
const isNumber = (entity) => ['number', 'input_number'].includes(entity.domain) && isSettable(entity);
const kindOf = (entity) => capital(plain(entity.device_class ?? entity.domain));

// One wish after the other: what is wanted while the device still answers is sent after it, and only the last of it.
function attemptWith(tell) {
  let isBusy = false;
  let next = null;
  return async function attempt(control, act) {
    if (isBusy) { next = [control, act]; return; }
    isBusy = true;
    control.setAttribute('aria-busy', 'true');
    tell('');
    try {
      await act();
    } catch (err) {
      tell(err.message);
    } finally {
      isBusy = false;
      control.removeAttribute('aria-busy');
      control.restore?.();
      if (next) { const [again, wish] = next; next = null; attempt(again, wish); }
    }
  };
}

// Controls that show the device's last word again once an attempt is over.
function restorable(control, show) {
  let last = null;
  control.restore = () => { if (last) show(last); };
  return (entity) => { last = entity; if (!control.hasAttribute('aria-busy')) show(entity); };
}

function row(label, ...controls) {
  return make('div', { className: 'row' }, make('span', { className: 'label', text: label }), ...controls);
}

function switchPart(label, spoken, set) {
  const control = make('input', { type: 'checkbox', className: 'switch', role: 'switch', 'aria-label': spoken });
  control.addEventListener('change', () => set(control, { on: control.checked }));
  const element = row(label, control);
  const show = (entity) => {
    control.checked = entity.state === 'on';
    if (!label) element.firstChild.textContent = capital(stateWords(entity));
  };
  return { element, show: restorable(control, show) };
}

const percent = (entity) => (entity.attributes.brightness == null ? null : Math.max(1, Math.round(entity.attributes.brightness / 2.55)));

// How a capability in people's units is read from the state's attributes.
const SLIDERS = {
  brightness: { label: t('Brightness'), unit: '%', min: 1, read: percent },
  color_temp: { label: t('Warmth'), unit: 'K', className: 'warmth', read: (entity) => entity.attributes.color_temp_kelvin },
  position: { label: t('Position'), unit: '%', read: (entity) => entity.attributes.current_position },
  tilt: { label: t('Tilt'), unit: '%', read: (entity) => entity.attributes.current_tilt_position },
  percentage: { label: t('Speed'), unit: '%', read: (entity) => entity.attributes.percentage },
  speed: { label: t('Speed'), unit: '%', read: (entity) => entity.attributes.percentage },
  volume: { label: t('Volume'), unit: '%', read: (entity) => (entity.attributes.volume_level == null ? null : Math.round(entity.attributes.volume_level * 100)) },
  target_humidity: { label: t('Target humidity'), unit: '%', read: (entity) => entity.attributes.humidity },
};

function sliderPart(slider, name, capability, spoken, set) {
  const control = make('input', { type: 'range', min: slider.min ?? capability.min ?? 0, max: capability.max, step: capability.step ?? 1, 'aria-label': `${spoken}, ${slider.label}` });
  if (slider.className) control.className = slider.className;
  const value = make('output');
  const element = row(slider.label, control, value);
  element.classList.add('slider');
  let isHeld = false;
  const say = () => { value.textContent = measure(Math.round(control.value), slider.unit); control.setAttribute('aria-valuetext', value.textContent); };
  control.addEventListener('input', () => { isHeld = true; say(); });
  control.addEventListener('blur', () => { isHeld = false; });
  control.addEventListener('change', () => { isHeld = false; set(control, { [name]: Number(control.value) }); });
  const show = (entity) => {
    const now = slider.read(entity);
    element.hidden = entity.domain === 'light' && entity.state !== 'on';
    if (isHeld) return;
    if (now == null) { value.textContent = ''; return; }
    control.value = now;
    say();
  };
  return { element, show: restorable(control, show) };
}

function colourPart(spoken, set) {
  const control = make('input', { type: 'color', 'aria-label': `${spoken}, ${t('Colour')}` });
  const element = row(t('Colour'), control);
  control.addEventListener('change', () => set(control, { color: control.value }));
  const show = (entity) => {
    element.hidden = entity.state !== 'on';
    if (document.activeElement !== control) control.value = colourOf(entity.attributes);
  };
  return { element, show: restorable(control, show) };
}

function numberPart(label, spoken, name, capability, set, read) {
  const control = make('input', { type: 'number', step: capability.step ?? 'any', 'aria-label': label ? `${spoken}, ${label}` : spoken });
  if (capability.min != null) control.min = capability.min;
  if (capability.max != null) control.max = capability.max;
  control.addEventListener('change', () => { if (control.value !== '' && control.reportValidity()) set(control, { [name]: Number(control.value) }); });
  const unit = make('span', { className: 'unit', text: capability.unit ?? '' });
  const show = (entity) => { const now = read(entity); if (document.activeElement !== control && now != null && Number.isFinite(Number(now))) control.value = now; };
  return { element: row(label, make('span', { className: 'with-unit' }, control, unit)), show: restorable(control, show) };
}

function climateParts(can, spoken, set) {
  const now = make('span', { className: 'value' });
  const parts = [{
    element: row(t('Now'), now),
    show: (entity) => {
      const { current_temperature: warmth, hvac_action: action } = entity.attributes;
      now.textContent = [warmth != null && measure(warmth, '°C'), action && plain(action)].filter(Boolean).join(', ') || stateWords(entity);
    },
  }];
  if (can.target_temperature?.access.includes('w')) parts.push(numberPart(t('Target'), spoken, 'target_temperature', can.target_temperature, set, (entity) => entity.attributes.temperature));
  if (can.mode?.access.includes('w') && can.mode.options) parts.push(choicePart(t('Mode'), spoken, set, { mode: can.mode }));
  return parts;
}

function coverPart(entity, spoken, set, stop) {
  const isDoor = ['garage', 'gate', 'door'].includes(entity.device_class);
  const openable = entity.capabilities.open?.access.includes('w');
  const up = isDoor ? sureButton(t('Open'), t('Really open?'), `${spoken}: ${t('Open')}`, (button) => set(button, { open: true })) : pushButton('↑', `${spoken}: ${t('Open')}`, (button) => set(button, { open: true }));
  const buttons = make('div', { className: 'buttons' }, up, pushButton('■', `${spoken}: ${t('Stop')}`, stop), pushButton(isDoor ? t('Close') : '↓', `${spoken}: ${t('Close')}`, (button) => set(button, { open: false })));
  const element = openable ? row('', buttons) : row('');
  return {
    element,
    show: (now) => {
      const position = now.attributes.current_position;
      const isBetween = now.state === 'open' && position != null && position < 100;
      element.firstChild.textContent = capital(stateWords(now)) + (isBetween ? `, ${measure(position, '%')}` : '');
    },
  };
}

function lockPart(label, spoken, set) {
  const lock = pushButton(t('Lock'), `${spoken}: ${t('Lock')}`, (button) => set(button, { locked: true }));
  const unlock = sureButton(t('Unlock'), t('Really unlock?'), `${spoken}: ${t('Unlock')}`, (button) => set(button, { locked: false }));
  const element = row('', make('div', { className: 'buttons' }, lock, unlock));
  return {
    element,
    show: (now) => {
      element.firstChild.textContent = label ? `${label}: ${stateWords(now)}` : capital(stateWords(now));
      lock.hidden = now.state === 'locked';
      unlock.hidden = now.state === 'unlocked';
    },
  };
}

function buttonPart(label, spoken, set, can) {
  const [name, capability] = Object.entries(can)[0] ?? ['press', {}];
  const value = capability.options?.[0] ?? true;
  const button = /restart|reboot|reset/i.test(label) ? sureButton(t('Press'), t('Really: {what}?', { what: label }), spoken, (pressed) => set(pressed, { [name]: value })) : pushButton(t('Press'), spoken, (pressed) => set(pressed, { [name]: value }));
  return { element: row(label || t('Button'), button), show: () => {} };
}

function playerParts(can, spoken, set, call) {
  const play = pushButton('▶', `${spoken}: ${t('Play')}`, (button) => set(button, { playing: true }));
  const pause = pushButton('⏸', `${spoken}: ${t('Pause')}`, (button) => set(button, { playing: false }));
  const next = pushButton('⏭', `${spoken}: ${t('Next')}`, (button) => call(button, 'media_next_track'));
  const element = row('', make('div', { className: 'buttons' }, play, pause, next));
  const show = (now) => {
    const { media_title: title, media_artist: artist } = now.attributes;
    const isPlaying = now.state === 'playing' || now.state === 'buffering';
    const what = [artist, title].filter(Boolean).join(' – ');
    element.firstChild.textContent = what && now.state !== 'off' ? `${capital(stateWords(now))}: ${what}` : capital(stateWords(now));
    play.hidden = isPlaying;
    pause.hidden = !isPlaying;
    next.hidden = !isPlaying;
  };
  const parts = [{ element, show }];
  if (can.source?.access.includes('w') && can.source.options) parts.push(choicePart(t('Source'), spoken, set, { source: can.source }, (now) => now.attributes.source ?? ''));
  return parts;
}

function choicePart(label, spoken, set, can, read = (entity) => entity.state) {
  const [name, capability] = Object.entries(can)[0];
  const control = make('select', { 'aria-label': label && !spoken.endsWith(label) ? `${spoken}, ${label}` : spoken });
  control.append(...(capability.options ?? []).map((option) => new Option(plain(option), option)));
  control.addEventListener('change', () => set(control, { [name]: control.value }));
  return { element: row(label, control), show: restorable(control, (entity) => { if (document.activeElement !== control || control.value !== read(entity)) control.value = read(entity); }) };
}

function valuePart(label, entity) {
  const value = make('span', { className: 'value' });
  return {
    element: row(label, value),
    show: (now) => {
      value.textContent = stateWords(now);
      value.title = now.unit ? `${now.state} ${now.unit}` : now.state;
      value.classList.toggle('on', now.state === 'on' && entity.domain === 'binary_sensor');
      value.classList.toggle('nothing', now.state === 'unknown');
    },
  };
}

function roomPart(device, doing, tell) {
  const control = make('select', { 'aria-label': t('{name}: room', { name: device.name }) });
  control.addEventListener('change', () => attemptWith(tell)(control, () => doing.place(device.id, control.value)));
  const element = row(t('Room'), control);
  element.dataset.needs = 'configure';
  return {
    element,
    show: (now) => {
      if (document.activeElement === control) return;
      const rooms = doing.rooms();
      element.hidden = rooms.length === 0;
      const none = now.room_id ? [] : [new Option(t('not in a room yet'), '')];
      control.replaceChildren(...none, ...rooms.map((room) => new Option(room.name, room.id)));
      control.value = now.room_id ?? '';
    },
  };
}

function pushButton(text, label, act) {
  const button = make('button', { type: 'button', className: 'more', text, 'aria-label': label, 'data-needs': 'control' });
  button.addEventListener('click', () => act(button));
  return button;
}

// What should not happen by a slip of the finger asks once more.
function sureButton(text, question, label, act) {
  let timer = null;
  const calm = () => { clearTimeout(timer); timer = null; button.textContent = text; button.classList.remove('ask'); button.setAttribute('aria-label', label); };
  const button = pushButton(text, label, () => {
    if (timer !== null) { calm(); act(button); return; }
    button.textContent = question;
    button.classList.add('ask');
    button.setAttribute('aria-label', `${label}: ${question}`);
    timer = setTimeout(calm, SURE_MS);
  });
  return button;
}
