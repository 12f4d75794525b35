// The controls of which the rows of a rule are made. Each is given `row` {item, home, set(changes)} and answers {element, refresh?}: what hangs on another control says itself anew in refresh().
import { t } from './language.js';
import { DAYS, dayName, list, seconds } from './rule_words.js';
import { entityName, make, plain, stateWords } from './words.js';

const STATES = {
  cover: ['open', 'closed', 'opening', 'closing'],
  lock: ['locked', 'unlocked'],
  person: ['home', 'not_home'],
  device_tracker: ['home', 'not_home'],
  media_player: ['playing', 'paused', 'idle', 'off'],
  timer: ['active', 'paused', 'idle'],
};
const TWO = new Set(['light', 'switch', 'fan', 'binary_sensor', 'input_boolean', 'automation', 'siren', 'humidifier', 'schedule', 'group', 'update']);

// What an entity can be; nothing where that is not known.
export function statesOf(entity) {
  if (!entity) return [];
  if (TWO.has(entity.domain)) return ['on', 'off'];
  const options = Object.values(entity.capabilities ?? {}).find((each) => each.options)?.options;
  return options ?? STATES[entity.domain] ?? [];
}

export const pressesOf = (entity) => Object.values(entity?.capabilities ?? {}).find((each) => each.options)?.options ?? entity?.attributes?.event_types ?? [];

export function labelled(text, control) {
  return make('label', { className: 'part-field' }, make('span', { text }), control);
}

function chooser(options, value) {
  const select = make('select', {}, ...options.map(([each, words]) => new Option(words, each)));
  if (value != null && !options.some(([each]) => each === String(value))) select.append(new Option(plain(value), value));
  select.value = value ?? '';
  return select;
}

// Devices by room; `fits(entity)` says which of them.
export function entityOptions(home, fits) {
  const rooms = [...home.rooms, { id: null, name: t('Not in a room') }];
  const known = new Set(home.rooms.map((room) => room.id));
  return rooms.flatMap((room) => {
    const found = [...home.devices.values()].filter((device) => (known.has(device.room_id) ? device.room_id : null) === room.id)
      .flatMap((device) => device.entities.filter(fits).map((entity) => new Option(entityName(device, entity), entity.id)));
    return found.length ? [make('optgroup', { label: room.name }, ...found)] : [];
  });
}

// One entity or several, at `path` ('entity_id', 'target'); `others` are [id, name] that no device brings (scenes).
export function entitiesField(row, label, { read, write, fits, others, isOne }) {
  const box = make('div', { className: 'part-entities' });
  function show() {
    const ids = list(read(row.item));
    const shown = ids.length ? ids : [''];
    box.replaceChildren(...shown.map((id, index) => {
      const select = make('select', { 'aria-label': shown.length > 1 ? `${label} ${index + 1}` : label }, new Option(t('choose …'), ''), ...(others ? others().map(([value, name]) => new Option(name, value)) : entityOptions(row.home, fits)));
      if (id && ![...select.options].some((option) => option.value === id)) select.append(new Option(id, id));
      select.value = id;
      select.addEventListener('change', () => {
        const now = [...shown];
        now[index] = select.value;
        put(now.filter(Boolean));
      });
      return select;
    }), ...(isOne || !ids.length ? [] : [small(t('and …'), t('{label}: one more', { label }), () => { put([...ids, '']); box.querySelector('select:last-of-type').focus(); })]));
  }
  function put(ids) { row.set(write(ids.length === 1 ? ids[0] : ids)); show(); }
  show();
  return { element: make('div', { className: 'part-field' }, make('span', { text: label }), box), refresh: () => {} };
}

export function small(text, label, act) {
  const button = make('button', { type: 'button', className: 'less', text, 'aria-label': label });
  button.addEventListener('click', act);
  return button;
}

// What the chosen entity is to be: from a list where that is known, else text.
export function stateField(row, label, key, { isOptional = false } = {}) {
  const box = make('span', { className: 'part-value' });
  let shownFor = null;
  function refresh() {
    const entity = row.home.find(list(row.item.entity_id)[0])?.entity;
    if (shownFor === (entity?.id ?? '')) return;
    shownFor = entity?.id ?? '';
    const known = statesOf(entity);
    const value = list(row.item[key]).join(', ');
    const control = known.length ? chooser([...(isOptional ? [['', t('anything')]] : []), ...known.map((each) => [each, stateWords(entity, each)])], value || (isOptional ? '' : undefined)) : make('input', { type: 'text', value });
    control.setAttribute('aria-label', label);
    control.addEventListener('change', () => row.set({ [key]: control.value === '' ? undefined : control.value }));
    if (!isOptional && known.length && !value) row.set({ [key]: (control.value = known[0]) });
    box.replaceChildren(control);
  }
  refresh();
  return { element: make('div', { className: 'part-field' }, make('span', { text: label }), box), refresh };
}

export function choiceField(row, label, options, { read, write }) {
  const select = chooser(options, read(row.item));
  select.addEventListener('change', () => row.set(write(select.value)));
  return { element: labelled(label, select) };
}

export function numberField(row, label, { read, write, ...limits }) {
  const input = make('input', { type: 'number', inputmode: 'decimal', step: 'any', ...limits, value: read(row.item) ?? '' });
  input.addEventListener('input', () => row.set(write(input.value === '' ? undefined : Number(input.value))));
  return { element: labelled(label, input) };
}

export function textField(row, label, { read, write }) {
  const input = make('input', { type: 'text', value: read(row.item) ?? '' });
  input.addEventListener('input', () => row.set(write(input.value)));
  return { element: labelled(label, input) };
}

export function timeField(row, label, key, { isOptional = false } = {}) {
  const input = make('input', { type: 'time', step: '60', value: String(row.item[key] ?? '').slice(0, 5), ...(isOptional ? {} : { required: '' }) });
  input.addEventListener('input', () => row.set({ [key]: input.value ? `${input.value}:00` : undefined }));
  return { element: labelled(label, input) };
}

const UNITS = [['1', () => t('seconds')], ['60', () => t('minutes')], ['3600', () => t('hours')]];

// A length of time; `signs` has the words for before and after.
export function durationField(row, label, { read, write, signs }) {
  const length = seconds(read(row.item)) ?? 0;
  const size = Math.abs(length);
  const unit = size && size % 3600 === 0 ? '3600' : size && size % 60 ? '1' : '60';
  const count = make('input', { type: 'number', min: '0', step: 'any', value: size ? size / Number(unit) : '', 'aria-label': label });
  const units = chooser(UNITS.map(([each, words]) => [each, words()]), unit);
  units.setAttribute('aria-label', t('{label}: unit', { label }));
  const sign = signs ? chooser(signs, length < 0 ? '-' : '+') : null;
  sign?.setAttribute('aria-label', t('{label}: before or after', { label }));
  const changed = () => {
    const total = Number(count.value || 0) * Number(units.value);
    row.set(write(total ? `${sign?.value === '-' ? '-' : ''}${clock(total)}` : undefined));
  };
  for (const each of [count, units, sign].filter(Boolean)) each.addEventListener('input', changed);
  return { element: make('div', { className: 'part-field' }, make('span', { text: label }), make('span', { className: 'part-value' }, count, units, ...(sign ? [sign] : []))) };
}

function clock(total) {
  const two = (number) => String(Math.floor(number)).padStart(2, '0');
  const rest = total % 60;
  return Number.isInteger(rest) ? `${two(total / 3600)}:${two((total % 3600) / 60)}:${two(rest)}` : total;
}

// Days of the week; none is every day.
export function daysField(row, label) {
  const chosen = new Set(list(row.item.weekday));
  const boxes = DAYS.map((day) => {
    const box = make('input', { type: 'checkbox', 'aria-label': dayName(day, 'long') });
    box.checked = chosen.has(day);
    box.addEventListener('change', () => {
      chosen[box.checked ? 'add' : 'delete'](day);
      row.set({ weekday: chosen.size === 0 || chosen.size === 7 ? undefined : DAYS.filter((each) => chosen.has(each)) });
    });
    return make('label', { className: 'day' }, box, make('span', { text: dayName(day) }));
  });
  return { element: make('fieldset', { className: 'part-field days' }, make('legend', { text: label }), make('span', { className: 'part-value' }, ...boxes)) };
}
