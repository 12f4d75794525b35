// What a scene wants of one entity: controls that fit what it can do. A wish is {state, attributes}, spelled as the home's states are.
import { colourOf } from './colours.js';
import { t } from './language.js';
import { capital, make, measure, plain } from './words.js';

const STATES = {
  cover: ['open', 'closed'], valve: ['open', 'closed'], lock: ['locked', 'unlocked'], media_player: ['playing', 'paused', 'off'],
  vacuum: ['cleaning', 'docked'], timer: ['active', 'paused', 'idle'],
};
const ON_OFF = ['light', 'switch', 'input_boolean', 'siren', 'fan', 'humidifier', 'remote'];
const OTHERS = ['climate', 'water_heater', 'number', 'input_number', 'counter', 'select', 'input_select'];
const WISHABLE = new Set([...ON_OFF, ...Object.keys(STATES), ...OTHERS]);
const KEPT = ['brightness', 'color_mode', 'color_temp_kelvin', 'rgb_color', 'hs_color', 'xy_color', 'effect', 'current_position', 'current_tilt_position', 'percentage', 'temperature', 'volume_level'];
const COLOURS = ['color_mode', 'color_temp_kelvin', 'rgb_color', 'hs_color', 'xy_color', 'rgbw_color', 'rgbww_color'];

// Capability -> the attribute it is in a wish, and how a number that people read becomes the attribute's.
const NUMBERS = {
  brightness: { label: t('Brightness'), unit: '%', min: 1, attribute: 'brightness', read: (value) => Math.max(1, Math.round(value / 2.55)), write: (value) => Math.round(value * 2.55) },
  color_temp: { label: t('Warmth'), unit: 'K', className: 'warmth', attribute: 'color_temp_kelvin', instead: COLOURS },
  position: { label: t('Position'), unit: '%', attribute: 'current_position', unsaid: (wish) => (wish.state === 'closed' ? 0 : 100) },
  tilt: { label: t('Tilt'), unit: '%', attribute: 'current_tilt_position' },
  speed: { label: t('Speed'), unit: '%', attribute: 'percentage' },
  percentage: { label: t('Speed'), unit: '%', attribute: 'percentage' },
  target_temperature: { label: t('Target'), unit: '°C', attribute: 'temperature' },
  target_humidity: { label: t('Humidity'), unit: '%', attribute: 'humidity' },
  volume: { label: t('Volume'), unit: '%', attribute: 'volume_level', read: (value) => Math.round(value * 100), write: (value) => value / 100 },
};

const canSet = (capability) => capability?.access.includes('w');

export const canBeWished = (entity) => !entity.category && WISHABLE.has(entity.domain) && Object.values(entity.capabilities).some(canSet);

// However it was written: "on", true, or attributes beside the state.
export function readWish(stored) {
  if (stored === null || typeof stored !== 'object') return { state: typeof stored === 'boolean' ? (stored ? 'on' : 'off') : String(stored), attributes: {} };
  const { state, attributes, ...beside } = stored;
  return { state: readWish(state).state, attributes: { ...beside, ...attributes } };
}

export function wishOfNow(entity) {
  if (['unknown', 'unavailable'].includes(entity.state)) return null;
  const kept = KEPT.filter((name) => entity.attributes[name] != null).map((name) => [name, entity.attributes[name]]);
  return { state: entity.state, attributes: entity.state === 'off' ? {} : Object.fromEntries(kept) };
}

export function isSame(one, other) {
  const flat = ({ state, attributes }) => JSON.stringify([state, Object.entries(attributes).sort()]);
  return Boolean(one && other) && flat(one) === flat(other);
}

// The controls of a wish, which they change in place. `changed()` is told of each change.
export function wishControls(entity, wish, spoken, changed) {
  const rows = make('div', {});
  const parts = [statePart(entity, wish, spoken), ...numberParts(entity, wish, spoken), colourPart(entity, wish, spoken)].filter(Boolean);
  rows.append(...parts.map((part) => part.element));
  const show = () => { for (const part of parts) part.show(); };
  rows.addEventListener('input', () => { show(); changed(); });
  rows.addEventListener('wish', () => { show(); changed(); });
  show();
  return rows;
}

const told = (element) => element.dispatchEvent(new Event('wish', { bubbles: true }));

function row(label, ...controls) {
  return make('div', { className: 'row' }, make('span', { className: 'label', text: label }), ...controls);
}

function statePart(entity, wish, spoken) {
  const can = entity.capabilities;
  if (ON_OFF.includes(entity.domain)) {
    const control = make('input', { type: 'checkbox', className: 'switch', role: 'switch', 'aria-label': `${spoken}: ${t('on')}` });
    const element = row('', control);
    control.addEventListener('input', () => { wish.state = control.checked ? 'on' : 'off'; });
    return { element, show: () => { control.checked = wish.state === 'on'; element.firstChild.textContent = capital(wish.state === 'on' ? t('on') : t('off')); } };
  }
  if (['number', 'input_number', 'counter'].includes(entity.domain)) {
    const [limits] = Object.values(can).filter(canSet);
    const control = make('input', { type: 'number', step: limits?.step ?? 'any', required: '', 'aria-label': `${spoken}: ${t('Value')}` });
    if (limits?.min != null) control.min = limits.min;
    if (limits?.max != null) control.max = limits.max;
    control.addEventListener('input', () => { wish.state = control.value; });
    return { element: row(t('Value'), make('span', { className: 'with-unit' }, control, make('span', { className: 'unit', text: entity.unit ?? '' }))), show: () => { if (document.activeElement !== control) control.value = wish.state; } };
  }
  const options = STATES[entity.domain] ?? (can.mode ?? Object.values(can).find((each) => each.options))?.options ?? [];
  const all = options.includes(wish.state) ? options : [wish.state, ...options];
  const control = make('select', { 'aria-label': `${spoken}: ${t('State')}` }, ...all.map((option) => new Option(capital(plain(option)), option)));
  control.addEventListener('input', () => { wish.state = control.value; delete wish.attributes.current_position; });
  return { element: row(entity.domain === 'climate' ? t('Mode') : t('State'), control), show: () => { control.value = wish.state; } };
}

function numberParts(entity, wish, spoken) {
  return Object.entries(NUMBERS).flatMap(([name, number]) => {
    const can = entity.capabilities[name];
    return canSet(can) && can.max != null ? [numberPart(number, can, wish, spoken)] : [];
  });
}

// A value that the scene does not name stays what it is at the device: the slider says so, and the cross brings that back.
function numberPart(number, can, wish, spoken) {
  const { label, unit, attribute, unsaid, read = (value) => value, write = (value) => value } = number;
  const control = make('input', { type: 'range', min: number.min ?? can.min ?? 0, max: can.max, step: can.step ?? 1, 'aria-label': `${spoken}, ${label}` });
  if (number.className) control.className = number.className;
  const value = make('output');
  const cross = crossFor(`${spoken}, ${label}: ${t('as it was')}`, () => { delete wish.attributes[attribute]; });
  const element = row(label, control, value, cross);
  element.classList.add('slider');
  control.addEventListener('input', () => {
    for (const other of number.instead ?? []) delete wish.attributes[other];
    wish.attributes[attribute] = write(Number(control.value));
    if (unsaid) wish.state = Number(control.value) > 0 ? 'open' : 'closed';
  });
  const show = () => {
    const wanted = wish.attributes[attribute] ?? unsaid?.(wish);
    element.hidden = wish.state === 'off';
    element.classList.toggle('unset', wanted == null);
    cross.hidden = wanted == null || Boolean(unsaid);
    if (wanted != null) control.value = read(Number(wanted));
    value.textContent = wanted == null ? t('as it was') : measure(Math.round(read(Number(wanted)) * 10) / 10, unit);
    control.setAttribute('aria-valuetext', value.textContent);
  };
  return { element, show };
}

function colourPart(entity, wish, spoken) {
  if (!canSet(entity.capabilities.color)) return null;
  const control = make('input', { type: 'color', 'aria-label': `${spoken}, ${t('Colour')}` });
  const value = make('output');
  const cross = crossFor(`${spoken}, ${t('Colour')}: ${t('as it was')}`, () => { for (const name of COLOURS) if (name !== 'color_temp_kelvin') delete wish.attributes[name]; });
  const element = row(t('Colour'), control, value, cross);
  element.classList.add('slider');
  control.addEventListener('input', () => {
    for (const name of COLOURS) delete wish.attributes[name];
    wish.attributes.rgb_color = [1, 3, 5].map((at) => parseInt(control.value.slice(at, at + 2), 16));
  });
  const show = () => {
    const { rgb_color: rgb, hs_color: hs, xy_color: xy, color_mode: mode } = wish.attributes;
    const isSet = Boolean(rgb ?? hs ?? xy) && mode !== 'color_temp';
    element.hidden = wish.state === 'off';
    cross.hidden = !isSet;
    element.classList.toggle('unset', !isSet);
    value.textContent = isSet ? '' : t('as it was');
    if (isSet) control.value = colourOf(wish.attributes);
  };
  return { element, show };
}

function crossFor(label, clear) {
  const cross = make('button', { type: 'button', className: 'cross', text: '×', 'aria-label': label, title: t('as it was') });
  cross.addEventListener('click', () => { clear(); cross.parentElement.querySelector('input').focus(); told(cross); });
  return cross;
}
