// The kinds of triggers, conditions and actions that the editor has controls for. What is of no kind here, or says more than its controls can show, is kept as it is.
import { t } from './language.js';
import { choiceField, daysField, durationField, entitiesField, numberField, pressesOf, stateField, textField, timeField } from './rule_fields.js';
import { isDay, isNight, list, seconds } from './rule_words.js';

// Kept beside what the controls show.
const BESIDE = new Set(['alias', 'id', 'enabled']);
const isId = (value) => typeof value === 'string' && /^[a-z0-9_]+\.[a-z0-9_]+$/.test(value);
const isIds = (value) => list(value).every(isId);
const isText = (value) => value === undefined || (typeof value === 'string' && !value.includes('{'));
const isNumber = (value) => value === undefined || (typeof value === 'number' || (typeof value === 'string' && value !== '' && Number.isFinite(Number(value))));
const isSpan = (value) => value === undefined || (seconds(value) !== null && seconds(value) >= 0);
const isShift = (value) => value === undefined || seconds(value) !== null;
const isClock = (value) => value === undefined || (typeof value === 'string' && /^\d{1,2}:\d\d(:00)?$/.test(value));
const isPress = (value) => value === undefined || value === 'event_type';
const isDays = (value) => value === undefined || list(value).every((day) => typeof day === 'string');
const at = (key) => ({ read: (item) => item[key], write: (value) => ({ [key]: value }) });
const held = (row) => durationField(row, t('for at least'), at('for'));
const thing = (row, label, fits, options = {}) => entitiesField(row, label, { ...at('entity_id'), fits, ...options });

// The item has these keys and no others, each as its check wants it.
function has(item, checks) {
  return Object.entries(item).every(([key, value]) => BESIDE.has(key) || checks[key]?.(value)) && Object.keys(checks).every((key) => key in item || checks[key](undefined));
}

const is = (word) => (value) => value === word;
const domains = (...wanted) => (entity) => wanted.includes(entity.domain);
const hasState = (entity) => entity.category == null && !domains('event', 'button', 'update')(entity);
const isMeasured = (entity) => domains('sensor', 'number', 'input_number', 'counter')(entity) && entity.device_class !== 'enum' && entity.device_class !== 'timestamp';

const limits = (row) => [
  numberField(row, t('above'), at('above')),
  numberField(row, t('below'), at('below')),
];

export const TRIGGERS = [
  {
    name: 'state', title: () => t('Something changes'),
    fits: (item) => has(item, { trigger: is('state'), entity_id: isIds, to: isText, from: isText, for: isSpan }) && !list(item.entity_id).some((id) => /^(scene|event)\./.test(id)),
    make: () => ({ trigger: 'state', entity_id: [] }),
    fields: (row) => [thing(row, t('What'), hasState), stateField(row, t('becomes'), 'to', { isOptional: true }), stateField(row, t('and was'), 'from', { isOptional: true }), held(row)],
  },
  {
    name: 'numeric', title: () => t('A value rises or falls'),
    fits: (item) => has(item, { trigger: is('numeric_state'), entity_id: isIds, above: isNumber, below: isNumber, for: isSpan }),
    make: () => ({ trigger: 'numeric_state', entity_id: [] }),
    fields: (row) => [thing(row, t('What'), isMeasured), ...limits(row), held(row)],
  },
  {
    name: 'time', title: () => t('At a time of day'),
    fits: (item) => has(item, { trigger: is('time'), at: (value) => value !== undefined && isClock(value), weekday: isDays }),
    make: () => ({ trigger: 'time', at: '07:00:00' }),
    fields: (row) => [timeField(row, t('At'), 'at'), daysField(row, t('Only on (none is every day)'))],
  },
  {
    name: 'sun', title: () => t('At sunrise or sunset'),
    fits: (item) => has(item, { trigger: is('sun'), event: (value) => ['sunrise', 'sunset'].includes(value), offset: isShift }),
    make: () => ({ trigger: 'sun', event: 'sunset' }),
    fields: (row) => [
      choiceField(row, t('At'), [['sunset', t('sunset')], ['sunrise', t('sunrise')]], at('event')),
      durationField(row, t('or this long'), { ...at('offset'), signs: [['-', t('before')], ['+', t('after')]] }),
    ],
  },
  {
    name: 'press', title: () => t('A button is pressed'),
    fits: (item) => has(item, { trigger: is('state'), entity_id: (value) => typeof value === 'string' && value.startsWith('event.'), attribute: isPress, to: isText }) && (item.to === undefined || item.attribute !== undefined),
    make: () => ({ trigger: 'state', entity_id: 'event.' }),
    fields: (row) => [thing(row, t('Button'), domains('event'), { isOne: true }), pressField(row, [['', t('in any way')]], (value) => ({ attribute: value ? 'event_type' : undefined, to: value || undefined }), 'to')],
  },
  {
    name: 'scene', title: () => t('A scene is activated'),
    fits: (item) => has(item, { trigger: is('state'), entity_id: (value) => list(value).length > 0 && list(value).every((id) => isId(id) && id.startsWith('scene.')) }),
    make: () => ({ trigger: 'state', entity_id: 'scene.' }),
    fields: (row) => [thing(row, t('Scene'), null, { others: () => row.home.scenes })],
  },
  {
    name: 'every', title: () => t('Again and again'),
    fits: (item) => has(item, { trigger: is('time_pattern'), minutes: (value) => typeof value === 'string' && /^\/\d+$/.test(value) }),
    make: () => ({ trigger: 'time_pattern', minutes: '/15' }),
    fields: (row) => [choiceField(row, t('Every'), ['1', '5', '10', '15', '20', '30'].map((each) => [`/${each}`, t('{count} min', { count: each })]), at('minutes'))],
  },
  {
    name: 'start', title: () => t('The hub has started'),
    fits: (item) => has(item, { trigger: is('homeassistant'), event: is('start') }),
    make: () => ({ trigger: 'homeassistant', event: 'start' }),
    fields: () => [],
  },
];

// Which presses a button knows hangs on the button.
function pressField(row, first, write, key) {
  const slot = document.createElement('div');
  let shownFor = null;
  function refresh() {
    if (shownFor === row.item.entity_id) return;
    shownFor = row.item.entity_id;
    const presses = pressesOf(row.home.find(row.item.entity_id)?.entity).map((each) => [each, each.replaceAll('_', ' ')]);
    slot.replaceChildren(choiceField(row, t('is pressed'), [...first, ...presses], { read: (item) => item[key] ?? '', write }).element);
  }
  refresh();
  return { element: slot, refresh };
}

const OUTSIDE = { dark: { after: 'sunset', before: 'sunrise' }, light: { after: 'sunrise', before: 'sunset' } };

export const CONDITIONS = [
  {
    name: 'state', title: () => t('Something is so'),
    fits: (item) => has(item, { condition: is('state'), entity_id: isIds, state: isText, for: isSpan }),
    make: () => ({ condition: 'state', entity_id: [] }),
    fields: (row) => [thing(row, t('What'), hasState), stateField(row, t('is'), 'state'), held(row)],
  },
  {
    name: 'numeric', title: () => t('A value is above or below'),
    fits: (item) => has(item, { condition: is('numeric_state'), entity_id: isIds, above: isNumber, below: isNumber }),
    make: () => ({ condition: 'numeric_state', entity_id: [] }),
    fields: (row) => [thing(row, t('What'), isMeasured), ...limits(row)],
  },
  {
    name: 'time', title: () => t('Between two times, or on days'),
    fits: (item) => has(item, { condition: is('time'), after: isClock, before: isClock, weekday: isDays }),
    make: () => ({ condition: 'time', after: '22:00:00', before: '06:00:00' }),
    fields: (row) => [timeField(row, t('after'), 'after', { isOptional: true }), timeField(row, t('before'), 'before', { isOptional: true }), daysField(row, t('Only on (none is every day)'))],
  },
  {
    name: 'press', title: () => t('How a button was pressed'),
    fits: (item) => has(item, { condition: is('state'), entity_id: (value) => typeof value === 'string' && value.startsWith('event.'), attribute: is('event_type'), state: isText }),
    make: () => ({ condition: 'state', entity_id: 'event.', attribute: 'event_type' }),
    fields: (row) => [thing(row, t('Button'), domains('event'), { isOne: true }), pressField(row, [], (value) => ({ state: value }), 'state')],
  },
  {
    name: 'sun', title: () => t('It is dark or light outside'),
    fits: (item) => has(item, { condition: is('sun'), after: isText, before: isText }) && (isNight(item) || isDay(item)),
    make: () => ({ condition: 'sun', ...OUTSIDE.dark }),
    fields: (row) => [choiceField(row, t('It is'), [['dark', t('dark (sunset to sunrise)')], ['light', t('light (sunrise to sunset)')]], { read: (item) => (isNight(item) ? 'dark' : 'light'), write: (value) => OUTSIDE[value] })],
  },
];

// What can be done with a device, by its kind: [action, words, fields of its data].
const percent = (key, label) => (row) => numberField(row, label, { ...data(key), min: '0', max: '100' });
const data = (key) => ({ read: (item) => item.data?.[key], write: (value) => (item) => withData(item, key, value) });

function withData(item, key, value) {
  const now = { ...item.data, [key]: value };
  if (value === undefined) delete now[key];
  return { data: Object.keys(now).length ? now : undefined };
}

const hex = (rgb) => `#${rgb.map((each) => Math.round(each).toString(16).padStart(2, '0')).join('')}`;

function colourField(row) {
  const isSet = Array.isArray(row.item.data?.rgb_color);
  const box = document.createElement('input');
  const colour = document.createElement('input');
  Object.assign(box, { type: 'checkbox', checked: isSet, ariaLabel: t('in this colour') });
  Object.assign(colour, { type: 'color', value: isSet ? hex(row.item.data.rgb_color) : '#ffb46b', ariaLabel: t('Colour') });
  const changed = () => row.set(withData(row.item, 'rgb_color', box.checked ? [1, 3, 5].map((from) => parseInt(colour.value.slice(from, from + 2), 16)) : undefined));
  box.addEventListener('change', changed);
  colour.addEventListener('input', () => { box.checked = true; changed(); });
  const element = document.createElement('div');
  element.className = 'part-field';
  const words = document.createElement('span');
  words.textContent = t('in this colour');
  const both = document.createElement('span');
  both.className = 'part-value';
  both.append(box, colour);
  element.append(words, both);
  return { element };
}

const warmth = (row) => numberField(row, t('white, in kelvin'), { ...data('color_temp_kelvin'), min: '1000', max: '12000' });
const within = (row) => numberField(row, t('within seconds'), { ...data('transition'), min: '0', max: '300' });
const ON_OFF = (domain) => [[`${domain}.turn_on`, () => t('turn on'), []], [`${domain}.turn_off`, () => t('turn off'), []], [`${domain}.toggle`, () => t('turn on or off'), []]];
export const DEEDS = {
  light: [['light.turn_on', () => t('turn on'), [percent('brightness_pct', t('brightness in %')), warmth, colourField, within]], ['light.turn_off', () => t('turn off'), [within]], ['light.toggle', () => t('turn on or off'), []]],
  switch: ON_OFF('switch'),
  fan: ON_OFF('fan'),
  input_boolean: ON_OFF('input_boolean'),
  siren: ON_OFF('siren'),
  automation: ON_OFF('automation'),
  cover: [['cover.open_cover', () => t('open'), []], ['cover.close_cover', () => t('close'), []], ['cover.set_cover_position', () => t('move to'), [percent('position', t('open in %'))]], ['cover.stop_cover', () => t('stop'), []]],
  lock: [['lock.lock', () => t('lock'), []], ['lock.unlock', () => t('unlock'), []]],
  climate: [['climate.set_temperature', () => t('set the temperature'), [(row) => numberField(row, t('to °C'), { ...data('temperature'), min: '5', max: '35' })]]],
  button: [['button.press', () => t('press'), []]],
  input_number: [['input_number.set_value', () => t('set'), [(row) => numberField(row, t('to'), data('value'))]]],
  number: [['number.set_value', () => t('set'), [(row) => numberField(row, t('to'), data('value'))]]],
};
const KNOWN_DATA = { brightness_pct: isNumber, color_temp_kelvin: isNumber, transition: isNumber, position: isNumber, temperature: isNumber, value: isNumber, rgb_color: (value) => value === undefined || (Array.isArray(value) && value.length === 3) };
const deed = (action) => Object.values(DEEDS).flat().find(([name]) => name === action);
const target = { read: (item) => item.target?.entity_id, write: (ids) => ({ target: { entity_id: ids } }) };
const isTarget = (value) => value !== undefined && has(value, { entity_id: isIds });
const isData = (value) => value === undefined || has(value, KNOWN_DATA);
const isEmpty = (value) => value === undefined || Object.keys(value).length === 0;

export const ACTIONS = [
  {
    name: 'device', title: () => t('Do something with a device'),
    fits: (item) => deed(item.action) !== undefined && has(item, { action: isText, target: isTarget, data: isData }),
    make: () => ({ action: 'light.turn_on', target: { entity_id: [] } }),
    fields: (row) => [
      entitiesField(row, t('What'), { ...target, fits: (entity) => entity.category == null && entity.domain in DEEDS, write: (ids) => withDeed(row.item, ids) }),
      deedField(row),
    ],
  },
  {
    name: 'scene', title: () => t('Activate a scene'),
    fits: (item) => has(item, { action: is('scene.turn_on'), target: (value) => isTarget(value) && list(value.entity_id).every((id) => id.startsWith('scene.')), data: isEmpty }),
    make: () => ({ action: 'scene.turn_on', target: { entity_id: [] } }),
    fields: (row) => [entitiesField(row, t('Scene'), { ...target, others: () => row.home.scenes })],
  },
  {
    name: 'wait', title: () => t('Wait'),
    fits: (item) => has(item, { delay: (value) => value !== undefined && isSpan(value) }),
    make: () => ({ delay: '00:05:00' }),
    fields: (row) => [durationField(row, t('How long'), { read: (item) => item.delay, write: (value) => ({ delay: value ?? 0 }) })],
  },
  {
    name: 'say', title: () => t('Tell people'),
    fits: (item) => has(item, { action: (value) => value === 'notify.notify' || value === 'persistent_notification.create', data: (value) => value !== undefined && has(value, { message: isText, title: isText }) }),
    make: () => ({ action: 'notify.notify', data: { message: '' } }),
    fields: (row) => [textField(row, t('What to say'), { read: (item) => item.data?.message, write: (value) => ({ data: { ...row.item.data, message: value } }) })],
  },
];

// Another kind of device takes the nearest deed of its own.
function withDeed(item, ids) {
  const domain = list(ids)[0]?.split('.')[0];
  const [was, verb] = item.action.split('.');
  if (!domain || domain === was || !(domain in DEEDS)) return { target: { entity_id: ids } };
  const [action] = DEEDS[domain].find(([name]) => name.endsWith(`.${verb}`)) ?? DEEDS[domain][0];
  return { target: { entity_id: ids }, action, data: undefined };
}

function deedField(row) {
  const slot = document.createElement('div');
  slot.className = 'part-more';
  let shownFor = null;
  function refresh() {
    if (shownFor === row.item.action) return;
    shownFor = row.item.action;
    const choices = DEEDS[row.item.action.split('.')[0]] ?? [];
    const [, , fields = []] = deed(row.item.action) ?? [];
    const verb = choiceField(row, t('is to'), choices.map(([name, words]) => [name, words()]), { read: (item) => item.action, write: (value) => ({ action: value, data: undefined }) });
    const had = slot.contains(document.activeElement);
    slot.replaceChildren(verb.element, ...fields.map((field) => field(row).element));
    if (had) slot.querySelector('select').focus();
  }
  refresh();
  return { element: slot, refresh };
}

export const kindOf = (kinds, item) => (item && typeof item === 'object' && !Array.isArray(item) ? kinds.find((each) => each.fits(item)) : undefined);
