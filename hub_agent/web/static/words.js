// How states, numbers and times are said to people.
import { locale, number as said, t } from './language.js';

const NOTHING = { unknown: '–', unavailable: t('not reachable') };

const TWO = {
  motion: [t('no motion'), t('motion')], occupancy: [t('nobody'), t('somebody')], presence: [t('away'), t('here')], door: [t('closed'), t('open')], window: [t('closed'), t('open')],
  opening: [t('closed'), t('open')], garage_door: [t('closed'), t('open')], moisture: [t('dry'), t('wet')], smoke: [t('no smoke'), t('smoke')], gas: [t('no gas'), t('gas')],
  carbon_monoxide: [t('none'), t('carbon monoxide')], tamper: [t('untouched'), t('tampered with')], vibration: [t('still'), t('shaking')], battery: [t('fine'), t('low')],
  problem: [t('none'), t('problem')], connectivity: [t('not connected'), t('connected')], lock: [t('locked'), t('unlocked')], update: [t('up to date'), t('update available')],
  sound: [t('quiet'), t('sound')], safety: [t('safe'), t('unsafe')], heat: [t('normal'), t('hot')], cold: [t('normal'), t('cold')], light: [t('dark'), t('bright')], power: [t('off'), t('on')],
  plug: [t('unplugged'), t('plugged in')], running: [t('idle'), t('running')], battery_charging: [t('not charging'), t('charging')],
};

// States, modes and kinds that the vocabulary knows. What a device's maker called something stays as it is.
const KNOWN = {
  on: t('on'), off: t('off'), open: t('open'), closed: t('closed'), opening: t('opening'), closing: t('closing'), locked: t('locked'), unlocked: t('unlocked'), locking: t('locking'), unlocking: t('unlocking'), jammed: t('jammed'),
  heat: t('heat'), cool: t('cool'), auto: t('auto'), heat_cool: t('heat or cool'), dry: t('dehumidify'), fan_only: t('fan only'), heating: t('heating'), cooling: t('cooling'), drying: t('drying'), idle: t('idle'), preheating: t('preheating'),
  playing: t('playing'), paused: t('paused'), buffering: t('buffering'), standby: t('standby'), cleaning: t('cleaning'), docked: t('docked'), returning: t('returning'), error: t('error'), active: t('active'),
  home: t('home'), not_home: t('away'), above_horizon: t('above the horizon'), below_horizon: t('below the horizon'), sunrise: t('sunrise'), sunset: t('sunset'), previous: t('previous'), none: t('none'), low: t('low'), high: t('high'), medium: t('medium'), true: t('yes'), false: t('no'),
  temperature: t('temperature'), humidity: t('humidity'), power: t('power'), energy: t('energy'), voltage: t('voltage'), current: t('current'), battery: t('battery'), illuminance: t('illuminance'), pressure: t('pressure'), atmospheric_pressure: t('air pressure'), carbon_dioxide: t('carbon dioxide'), signal_strength: t('signal strength'),
  motion: t('motion'), occupancy: t('occupancy'), door: t('door'), window: t('window'), moisture: t('moisture'), smoke: t('smoke'), light: t('light'), switch: t('switch'), sensor: t('sensor'), event: t('event'), button: t('button'),
  turn_on: t('turn on'), turn_off: t('turn off'), toggle: t('toggle'), set_temperature: t('set the temperature'), open_cover: t('open the cover'), close_cover: t('close the cover'), lock: t('lock'), unlock: t('unlock'), notify: t('notify'),
  state: t('state'), numeric_state: t('numeric state'), time: t('time'), sun: t('sun'), template: t('template'), and: t('and'), or: t('or'), not: t('not'), delay: t('delay'), wait_template: t('wait for'), choose: t('choose'), brightness_pct: t('brightness %'), transition: t('transition'),
};

// Which of an entity's units becomes a larger one from where on.
const LARGER = { Wh: ['kWh', 1000, 1000], W: ['kW', 10000, 1000], mV: ['V', 1000, 1000], mA: ['A', 1000, 1000] };

export function stateWords(entity, state = entity.state) {
  if (state in NOTHING) return NOTHING[state];
  if (entity.domain === 'binary_sensor') return (TWO[entity.device_class] ?? TWO.power)[state === 'on' ? 1 : 0];
  if (entity.domain === 'event') return `${entity.attributes.event_type ? plain(entity.attributes.event_type) : t('happened')}, ${ago(state)}`;
  if (entity.domain === 'update') return TWO.update[state === 'on' ? 1 : 0];
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
  return said(number, { maximumFractionDigits: places, useGrouping: size >= 10000 });
}

// A word of the vocabulary as people say it; anything else without its underscores.
export function plain(text) {
  if (Object.hasOwn(KNOWN, text)) return KNOWN[text];
  const spaced = String(text).replaceAll('_', ' ');
  return spaced === spaced.toUpperCase() && spaced.length > 3 ? spaced.toLowerCase() : spaced;
}

export function capital(text) {
  return text.replace(/^./u, (letter) => letter.toLocaleUpperCase(locale));
}

let relative;

// "5 min ago", "in 20 s"; today's time beyond an hour, else the day too.
export function ago(text, now = Date.now()) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return plain(text);
  const seconds = Math.round((now - at.getTime()) / 1000);
  if (Math.abs(seconds) < 5) return t('just now');
  relative ??= new Intl.RelativeTimeFormat(locale, { style: 'short', numeric: 'always' });
  if (Math.abs(seconds) < 60) return relative.format(-seconds, 'second');
  if (Math.abs(seconds) < 3600) return relative.format(-Math.round(seconds / 60), 'minute');
  const isToday = at.toDateString() === new Date(now).toDateString();
  const hour = at.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' });
  return isToday ? t('at {hour}', { hour }) : `${at.toLocaleDateString(locale, { day: 'numeric', month: 'short' })}, ${hour}`;
}

export function clock(text) {
  return new Date(text).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
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
  element.title = new Date(text).toLocaleString(locale);
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
