// Rules in the words of people: what stands in the language of automations, said as a sentence. What has no words of its own is named.
import { locale, t, tn } from './language.js';
import { entityName, measure, plain, stateWords } from './words.js';

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
export const list = (value) => (value == null ? [] : Array.isArray(value) ? value : [value]);
const all = new Intl.ListFormat(locale, { type: 'conjunction' });
const any = new Intl.ListFormat(locale, { type: 'disjunction' });

// Monday of some week, in the page's language.
export const dayName = (day, weekday = 'short') => new Date(Date.UTC(2024, 0, 1 + DAYS.indexOf(day))).toLocaleDateString(locale, { weekday, timeZone: 'UTC' });

// Seconds of "00:05:00", 300, "300" or {minutes: 5}; null for what is none, such as a template.
export function seconds(value) {
  if (value == null || value === '') return 0;
  if (typeof value === 'object') {
    const sizes = { days: 86400, hours: 3600, minutes: 60, seconds: 1, milliseconds: 0.001 };
    const parts = Object.entries(value).map(([part, count]) => Number(count) * (sizes[part] ?? NaN));
    return parts.every(Number.isFinite) ? parts.reduce((sum, each) => sum + each, 0) : null;
  }
  const text = String(value).trim();
  const clock = /^([+-]?)(\d+):(\d{1,2})(?::(\d{1,2}))?$/.exec(text);
  if (clock) return (clock[1] === '-' ? -1 : 1) * (Number(clock[2]) * 3600 + Number(clock[3]) * 60 + Number(clock[4] ?? 0));
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : null;
}

export function span(value) {
  const length = seconds(value);
  if (length === null) return plain(JSON.stringify(value));
  const size = Math.abs(length);
  const parts = [[Math.floor(size / 3600), 'h'], [Math.floor((size % 3600) / 60), 'min'], [Math.round((size % 60) * 10) / 10, 's']];
  return parts.filter(([count]) => count).map(([count, unit]) => `${count}\u202f${unit}`).join(' ') || '0\u202fs';
}

export function nameOf(id, home) {
  const found = home.find(id);
  if (found) return entityName(found.device, found.entity);
  return home.names?.get(id) ?? plain(String(id).split('.').pop());
}

export function stateOf(id, state, home) {
  const found = home.find(id);
  return found && typeof state === 'string' ? stateWords(found.entity, state) : plain(state);
}

const names = (ids, home) => all.format(list(ids).map((id) => nameOf(id, home)));
const oneOf = (ids, home) => any.format(list(ids).map((id) => nameOf(id, home)));
const states = (ids, values, home) => any.format(list(values).map((each) => stateOf(list(ids)[0], each, home)));
const held = (text, item) => (item.for == null ? text : t('{what} for {time}', { what: text, time: span(item.for) }));
const limit = (value, ids, home) => (Number.isFinite(Number(value)) && value !== '' ? measure(Number(value), home.find(list(ids)[0])?.entity.unit) : nameOf(value, home));
const hours = (text) => String(text).replace(/^(\d{1,2}:\d\d):00$/, '$1');
const onDays = (text, weekday) => (list(weekday).length ? t('{what} on {days}', { what: text, days: all.format(list(weekday).map((day) => dayName(day))) }) : text);

function moment(event, offset) {
  const shift = seconds(offset ?? 0);
  const name = event === 'sunrise' ? t('sunrise') : t('sunset');
  if (!shift) return name;
  return shift < 0 ? t('{time} before {event}', { time: span(shift), event: name }) : t('{time} after {event}', { time: span(shift), event: name });
}

const TRIGGERS = {
  state(item, home) {
    const who = oneOf(item.entity_id, home);
    if (item.attribute === 'event_type') return t('{name} says “{what}”', { name: who, what: any.format(list(item.to).map(plain)) });
    if (item.attribute) return t('{what} of {name} changes', { what: plain(item.attribute), name: who });
    if (item.to != null && item.from != null) return held(t('{name} goes from {from} to {to}', { name: who, from: states(item.entity_id, item.from, home), to: states(item.entity_id, item.to, home) }), item);
    if (item.to != null) return held(t('{name} becomes {state}', { name: who, state: states(item.entity_id, item.to, home) }), item);
    if (item.from != null) return held(t('{name} is no longer {state}', { name: who, state: states(item.entity_id, item.from, home) }), item);
    if (list(item.entity_id).every((id) => String(id).startsWith('scene.'))) return t('the scene {name} is activated', { name: who });
    if (list(item.entity_id).every((id) => String(id).startsWith('event.'))) return t('{name} reports something', { name: who });
    return held(t('{name} changes', { name: who }), item);
  },
  numeric_state(item, home) {
    const who = oneOf(item.entity_id, home);
    const [above, below] = [item.above, item.below].map((each) => (each == null ? null : limit(each, item.entity_id, home)));
    if (above !== null && below !== null) return held(t('{name} comes between {above} and {below}', { name: who, above, below }), item);
    return held(above !== null ? t('{name} rises above {limit}', { name: who, limit: above }) : t('{name} falls below {limit}', { name: who, limit: below }), item);
  },
  time: (item, home) => onDays(t('it is {time}', { time: any.format(list(item.at).map((at) => (typeof at === 'string' && /^\d/.test(at) ? hours(at) : nameOf(at?.entity_id ?? at, home)))) }), item.weekday),
  sun: (item) => t('it is {moment}', { moment: moment(item.event, item.offset) }),
  time_pattern(item) {
    const [unit, value] = ['hours', 'minutes', 'seconds'].map((each) => [each, item[each]]).find(([, each]) => String(each ?? '').startsWith('/')) ?? [];
    const count = Number(String(value ?? '').slice(1));
    if (unit === 'minutes') return tn('every {count} minute', 'every {count} minutes', count);
    if (unit === 'hours') return tn('every {count} hour', 'every {count} hours', count);
    return unit === 'seconds' ? tn('every {count} second', 'every {count} seconds', count) : t('the clock fits its pattern');
  },
  homeassistant: (item) => (item.event === 'start' ? t('the hub has started') : t('the hub is about to stop')),
  zone: (item, home) => (item.event === 'leave' ? t('{name} leaves {zone}', { name: oneOf(item.entity_id, home), zone: nameOf(item.zone, home) }) : t('{name} comes to {zone}', { name: oneOf(item.entity_id, home), zone: nameOf(item.zone, home) })),
  event: (item) => t('the event {name} comes', { name: list(item.event_type).join(', ') }),
  mqtt: (item) => t('a message comes at {topic}', { topic: item.topic }),
  webhook: (item) => t('the address {name} is called', { name: item.webhook_id }),
  template: () => t('what its template says becomes true'),
};

const CONDITIONS = {
  state: (item, home) => held(item.attribute === 'event_type' ? t('{name} said “{what}”', { name: names(item.entity_id, home), what: any.format(list(item.state).map(plain)) }) : item.attribute ? t('{attribute} of {name} is {state}', { attribute: plain(item.attribute), name: names(item.entity_id, home), state: any.format(list(item.state).map(plain)) }) : t('{name} is {state}', { name: item.match === 'any' ? oneOf(item.entity_id, home) : names(item.entity_id, home), state: states(item.entity_id, item.state, home) }), item),
  numeric_state(item, home) {
    const who = names(item.entity_id, home);
    const [above, below] = [item.above, item.below].map((each) => (each == null ? null : limit(each, item.entity_id, home)));
    if (above !== null && below !== null) return t('{name} is between {above} and {below}', { name: who, above, below });
    return above !== null ? t('{name} is above {limit}', { name: who, limit: above }) : t('{name} is below {limit}', { name: who, limit: below });
  },
  time(item, home) {
    const [after, before] = [item.after, item.before].map((each) => (each == null ? null : /^\d/.test(each) ? hours(each) : nameOf(each, home)));
    const text = after && before ? t('it is between {after} and {before}', { after, before }) : after ? t('it is after {time}', { time: after }) : before ? t('it is before {time}', { time: before }) : '';
    if (text) return onDays(text, item.weekday);
    return t('it is {days}', { days: any.format(list(item.weekday).map((day) => dayName(day, 'long'))) });
  },
  sun(item) {
    if (isNight(item)) return t('it is dark outside');
    if (isDay(item)) return t('it is light outside');
    const parts = [item.after && t('it is after {moment}', { moment: moment(item.after, item.after_offset) }), item.before && t('it is before {moment}', { moment: moment(item.before, item.before_offset) })];
    return all.format(parts.filter(Boolean));
  },
  and: (item, home) => all.format(list(item.conditions ?? item.and).map((each) => conditionWords(each, home))),
  or: (item, home) => any.format(list(item.conditions ?? item.or).map((each) => conditionWords(each, home))),
  not: (item, home) => t('not: {what}', { what: any.format(list(item.conditions ?? item.not).map((each) => conditionWords(each, home))) }),
  zone: (item, home) => t('{name} is in {zone}', { name: names(item.entity_id, home), zone: any.format(list(item.zone).map((each) => nameOf(each, home))) }),
  trigger: (item) => t('it was set off by “{name}”', { name: list(item.id).join(', ') }),
  template: () => t('what its template says is true'),
};

const shifts = (item) => seconds(item.after_offset ?? 0) || seconds(item.before_offset ?? 0);
export const isNight = (item) => item.after === 'sunset' && item.before === 'sunrise' && !shifts(item);
export const isDay = (item) => item.after === 'sunrise' && item.before === 'sunset' && !shifts(item);

export function triggerWords(item, home) {
  return item?.alias ?? TRIGGERS[item?.trigger]?.(item, home) ?? plain(item?.trigger ?? item?.platform ?? JSON.stringify(item));
}

export function conditionWords(item, home) {
  if (typeof item === 'string') return t('what its template says is true');
  const kind = item?.condition ?? ['and', 'or', 'not'].find((each) => each in (item ?? {}));
  return item?.alias ?? CONDITIONS[kind]?.(item, home) ?? plain(kind ?? JSON.stringify(item));
}

// What is called, and for whom.

const target = (item) => list(item.target?.entity_id ?? item.entity_id ?? item.data?.entity_id);
const CALLS = {
  turn_on: (who, data, item) => {
    if (item.action === 'scene.turn_on') return t('activate {name}', { name: who });
    const how = [data.brightness_pct != null && t('at {percent} %', { percent: data.brightness_pct }), data.color_temp_kelvin != null && `${data.color_temp_kelvin}\u202fK`, data.rgb_color && t('in a colour'), data.transition && t('within {time}', { time: span(data.transition) })].filter(Boolean).join(', ');
    return how ? t('turn {name} on, {how}', { name: who, how }) : t('turn {name} on', { name: who });
  },
  turn_off: (who) => t('turn {name} off', { name: who }),
  toggle: (who) => t('turn {name} on or off', { name: who }),
  open_cover: (who) => t('open {name}', { name: who }),
  close_cover: (who) => t('close {name}', { name: who }),
  stop_cover: (who) => t('stop {name}', { name: who }),
  set_cover_position: (who, data) => t('move {name} to {percent} %', { name: who, percent: data.position }),
  set_temperature: (who, data) => t('set {name} to {degrees} °C', { name: who, degrees: data.temperature }),
  set_hvac_mode: (who, data) => t('switch {name} to {mode}', { name: who, mode: plain(data.hvac_mode) }),
  select_option: (who, data) => t('switch {name} to {mode}', { name: who, mode: plain(data.option) }),
  set_value: (who, data) => t('set {name} to {value}', { name: who, value: data.value }),
  lock: (who) => t('lock {name}', { name: who }),
  unlock: (who) => t('unlock {name}', { name: who }),
  press: (who) => t('press {name}', { name: who }),
  trigger: (who) => t('run {name}', { name: who }),
};

function callWords(item, home) {
  const [domain, verb] = String(item.action).split('.');
  const data = item.data ?? {};
  if (domain === 'notify' || item.action === 'persistent_notification.create') return t('say “{text}”', { text: data.message ?? '' });
  if (domain === 'script') return t('run {name}', { name: plain(target(item).length ? names(target(item), home) : verb) });
  const places = [...target(item).map((id) => nameOf(id, home)), ...list(item.target?.area_id).map((id) => home.rooms?.find((room) => room.id === id)?.name ?? plain(id)), ...list(item.target?.device_id).map((id) => home.devices?.get(id)?.name ?? id)];
  return CALLS[verb]?.(all.format(places), data, item) ?? `${plain(verb ?? item.action)} ${all.format(places)}`.trim();
}

const STEPS = [
  ['action', callWords],
  ['delay', (item) => t('wait {time}', { time: span(item.delay) })],
  ['if', (item, home) => (item.else ? t('if {conditions}: {actions}; else: {otherwise}', { conditions: conditionsWords(item.if, home), actions: actionsWords(item.then, home), otherwise: actionsWords(item.else, home) }) : t('if {conditions}: {actions}', { conditions: conditionsWords(item.if, home), actions: actionsWords(item.then, home) }))],
  ['choose', (item, home) => [...list(item.choose).map((each) => t('if {conditions}: {actions}', { conditions: conditionsWords(each.conditions, home), actions: actionsWords(each.sequence, home) })), ...(item.default ? [t('else: {actions}', { actions: actionsWords(item.default, home) })] : [])].join('; ')],
  ['repeat', (item, home) => t('again and again: {actions}', { actions: actionsWords(item.repeat?.sequence, home) })],
  ['wait_for_trigger', (item, home) => t('wait until {triggers}', { triggers: any.format(list(item.wait_for_trigger).map((each) => triggerWords(each, home))) })],
  ['wait_template', () => t('wait until its template says so')],
  ['scene', (item, home) => t('activate {name}', { name: nameOf(item.scene, home) })],
  ['parallel', (item, home) => t('at once: {actions}', { actions: actionsWords(item.parallel, home) })],
  ['sequence', (item, home) => actionsWords(item.sequence, home)],
  ['condition', (item, home) => t('go on only if {conditions}', { conditions: conditionWords(item, home) })],
  ['event', (item) => t('send the event {name}', { name: item.event })],
  ['stop', () => t('stop here')],
  ['variables', () => t('remember values')],
];

export function actionWords(item, home) {
  const step = STEPS.find(([key]) => key in (item ?? {}));
  return item?.alias ?? (step ? step[1](item, home) : plain(Object.keys(item ?? {})[0] ?? ''));
}

const conditionsWords = (items, home) => all.format(list(items).map((each) => conditionWords(each, home)));
const actionsWords = (items, home) => list(items).map((each) => actionWords(each, home)).join(', ');

// What the hub tells names things by their ids; people know them by their names.
export const readable = (text, home) => text.replace(/\b[a-z_]+\.[a-z0-9_]+\b/g, (id) => (home.find(id) || home.names?.has(id) ? nameOf(id, home) : id));

// The whole rule.
export function ruleWords(fields, home) {
  const triggers = any.format(list(fields.triggers).map((each) => triggerWords(each, home)));
  const conditions = conditionsWords(fields.conditions, home);
  const actions = actionsWords(fields.actions, home) || t('nothing happens yet');
  if (!triggers) return conditions ? t('Started by hand, only if {conditions}: {actions}.', { conditions, actions }) : t('Started by hand: {actions}.', { actions });
  return conditions ? t('When {triggers}, only if {conditions}: {actions}.', { triggers, conditions, actions }) : t('When {triggers}: {actions}.', { triggers, actions });
}

