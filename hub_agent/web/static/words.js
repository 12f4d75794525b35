// How states, numbers and times are said to people.

const NOTHING = { unknown: '–', unavailable: 'not reachable' };

const TWO = {
  motion: ['no motion', 'motion'], occupancy: ['nobody', 'somebody'], presence: ['away', 'here'], door: ['closed', 'open'], window: ['closed', 'open'],
  opening: ['closed', 'open'], garage_door: ['closed', 'open'], moisture: ['dry', 'wet'], smoke: ['no smoke', 'smoke'], gas: ['no gas', 'gas'],
  carbon_monoxide: ['none', 'carbon monoxide'], tamper: ['untouched', 'tampered with'], vibration: ['still', 'shaking'], battery: ['fine', 'low'],
  problem: ['none', 'problem'], connectivity: ['not connected', 'connected'], lock: ['locked', 'unlocked'], update: ['up to date', 'update available'],
  sound: ['quiet', 'sound'], safety: ['safe', 'unsafe'], heat: ['normal', 'hot'], cold: ['normal', 'cold'], light: ['dark', 'light'], power: ['off', 'on'],
  plug: ['unplugged', 'plugged in'], running: ['idle', 'running'], battery_charging: ['not charging', 'charging'],
};

// Which of an entity's units becomes a larger one from where on.
const LARGER = { Wh: ['kWh', 1000, 1000], W: ['kW', 10000, 1000], mV: ['V', 1000, 1000], mA: ['A', 1000, 1000] };

export function stateWords(entity, state = entity.state) {
  if (state in NOTHING) return NOTHING[state];
  if (entity.domain === 'binary_sensor') return (TWO[entity.device_class] ?? ['off', 'on'])[state === 'on' ? 1 : 0];
  if (entity.domain === 'event') return `${plain(entity.attributes.event_type ?? 'happened')}, ${ago(state)}`;
  if (entity.domain === 'update') return state === 'on' ? 'update available' : 'up to date';
  if (entity.device_class === 'timestamp') return ago(state);
  if (state !== '' && Number.isFinite(Number(state)) && ['sensor', 'number', 'input_number'].includes(entity.domain)) return measure(Number(state), entity.unit);
  return plain(state);
}

export function measure(number, unit) {
  const [larger, from, divisor] = LARGER[unit] ?? [];
  const isLarge = larger && Math.abs(number) >= from;
  return withUnit(rounded(isLarge ? number / divisor : number), isLarge ? larger : unit);
}

function withUnit(text, unit) {
  return unit ? `${text}\u202f${unit}` : text;
}

function rounded(number) {
  const size = Math.abs(number);
  const places = size >= 1000 ? 0 : size >= 10 ? 1 : 2;
  return number.toLocaleString(undefined, { maximumFractionDigits: places, useGrouping: size >= 10000 });
}

export function plain(text) {
  const spaced = String(text).replaceAll('_', ' ');
  return spaced === spaced.toUpperCase() && spaced.length > 3 ? spaced.toLowerCase() : spaced;
}

export function capital(text) {
  return text.replace(/^./u, (letter) => letter.toUpperCase());
}

// "5 min ago", "in 20 s"; today's time beyond an hour, else the day too.
export function ago(text, now = Date.now()) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return plain(text);
  const seconds = Math.round((now - at.getTime()) / 1000);
  const span = Math.abs(seconds) < 60 ? `${Math.abs(seconds)} s` : `${Math.round(Math.abs(seconds) / 60)} min`;
  if (Math.abs(seconds) < 5) return 'just now';
  if (Math.abs(seconds) < 3600) return seconds < 0 ? `in ${span}` : `${span} ago`;
  const isToday = at.toDateString() === new Date(now).toDateString();
  const hour = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return isToday ? `at ${hour}` : `${at.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${hour}`;
}

export function clock(text) {
  return new Date(text).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

export function entityName(device, entity) {
  return entity.name && !entity.name.startsWith(device.name) ? `${device.name} ${entity.name}` : entity.name ?? device.name;
}

// A time that keeps itself right: `refreshTimes` says it anew.
export function timeElement(text) {
  const element = document.createElement('time');
  showTime(element, text);
  return element;
}

export function showTime(element, text) {
  element.dateTime = text;
  element.title = new Date(text).toLocaleString();
  element.textContent = ago(text);
}

export function refreshTimes() {
  for (const element of document.querySelectorAll('time')) element.textContent = ago(element.dateTime);
}

export function make(tag, { className, text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text != null) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
