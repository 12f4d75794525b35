// A device's card: what it says, and controls that fit what it can do.

const UNKNOWN = ['unavailable', 'unknown'];
const ON_OFF = new Set(['light', 'switch', 'fan', 'siren', 'humidifier', 'input_boolean']);

export function deviceCard(device, set) {
  const card = document.createElement('article');
  card.className = 'card device';
  card.dataset.id = device.id;
  const name = document.createElement('h4');
  name.textContent = device.name;
  const note = document.createElement('p');
  note.className = 'note';
  card.append(name, note);
  const main = device.entities.filter((entity) => !entity.category).sort(byWeight);
  const shown = main.slice(0, 4);
  const rest = [...main.slice(4), ...device.entities.filter((entity) => entity.category)];
  const tell = (text) => { note.textContent = text; note.classList.toggle('bad', Boolean(text)); };
  card.append(...shown.map((entity) => entityRows(device, entity, set, tell)));
  if (rest.length > 0) card.append(allOf(device, rest, set, tell));
  for (const entity of device.entities) updateEntity(card, device, entity);
  return card;
}

export function updateEntity(card, device, entity) {
  const rows = card.querySelector(`[data-entity="${CSS.escape(entity.id)}"]`);
  rows?.show?.(entity);
  const lights = device.entities.filter((each) => each.domain === 'light');
  card.classList.toggle('lit', lights.some((light) => light.state === 'on'));
  const main = device.entities.filter((each) => !each.category);
  card.classList.toggle('away', device.availability === 'unavailable' || (main.length > 0 && main.every((each) => each.state === 'unavailable')));
}

const byWeight = (one, other) => weight(one) - weight(other);
const weight = (entity) => (isSettable(entity) ? 0 : 1);
const isSettable = (entity) => Object.values(entity.capabilities).some((capability) => capability.access.includes('w'));

function allOf(device, entities, set, tell) {
  const all = document.createElement('details');
  all.className = 'all';
  const summary = document.createElement('summary');
  summary.textContent = `${entities.length} more`;
  all.append(summary, ...entities.map((entity) => entityRows(device, entity, set, tell)));
  return all;
}

function entityRows(device, entity, set, tell) {
  const rows = document.createElement('div');
  rows.dataset.entity = entity.id;
  const attempt = async (control, values) => {
    control.disabled = true;
    tell('');
    try {
      await set(entity.id, values);
    } catch (err) {
      tell(err.message);
      rows.show(entity);
    } finally {
      control.disabled = false;
    }
  };
  const parts = controlsOf(entity, attempt, labelOf(device, entity));
  rows.append(...parts.map((part) => part.element));
  rows.show = (now) => parts.forEach((part) => part.show(now));
  return rows;
}

function controlsOf(entity, attempt, label) {
  const can = entity.capabilities;
  const parts = [];
  if (ON_OFF.has(entity.domain) && can.on?.access.includes('w')) parts.push(switchPart(label, attempt));
  else if (entity.domain === 'cover') parts.push(coverPart(label, attempt));
  else if (entity.domain === 'lock') parts.push(lockPart(label, attempt));
  else if (entity.domain === 'button') parts.push(buttonPart(label, attempt, can));
  else if (['select', 'input_select'].includes(entity.domain)) parts.push(selectPart(label, attempt, can));
  else parts.push(valuePart(label));
  for (const [name, capability] of Object.entries(can)) {
    if (SLIDERS[name] && capability.access.includes('w') && capability.max != null) parts.push(sliderPart(name, capability, attempt));
  }
  if (can.target_temperature?.access.includes('w')) parts.push(numberPart('Target', 'target_temperature', can.target_temperature, attempt));
  return parts;
}

// How a capability in people's units is read from the state's attributes.
const SLIDERS = {
  brightness: { label: 'Brightness', read: (entity) => (entity.attributes.brightness == null ? null : Math.round(entity.attributes.brightness / 2.55)) },
  position: { label: 'Position', read: (entity) => entity.attributes.current_position },
  color_temp: { label: 'Warm – cool', read: (entity) => entity.attributes.color_temp_kelvin },
  percentage: { label: 'Speed', read: (entity) => entity.attributes.percentage },
};

function row(label, ...controls) {
  const element = document.createElement('div');
  element.className = 'row';
  const name = document.createElement('span');
  name.textContent = label;
  element.append(name, ...controls);
  return element;
}

function switchPart(label, attempt) {
  const control = document.createElement('input');
  control.type = 'checkbox';
  control.className = 'switch';
  control.setAttribute('role', 'switch');
  control.setAttribute('aria-label', label);
  control.addEventListener('change', () => attempt(control, { on: control.checked }));
  return { element: row(label, control), show: (entity) => { control.checked = entity.state === 'on'; } };
}

function sliderPart(name, capability, attempt) {
  const slider = SLIDERS[name];
  const control = document.createElement('input');
  Object.assign(control, { type: 'range', min: capability.min ?? 0, max: capability.max, step: capability.step ?? 1 });
  control.setAttribute('aria-label', slider.label);
  let isHeld = false;
  control.addEventListener('input', () => { isHeld = true; });
  control.addEventListener('change', () => { isHeld = false; attempt(control, { [name]: Number(control.value) }); });
  return { element: row(slider.label, control), show: (entity) => { const value = slider.read(entity); if (!isHeld && value != null) control.value = value; } };
}

function numberPart(label, name, capability, attempt) {
  const control = document.createElement('input');
  Object.assign(control, { type: 'number', step: capability.step ?? 0.5 });
  if (capability.min != null) control.min = capability.min;
  if (capability.max != null) control.max = capability.max;
  control.setAttribute('aria-label', label);
  control.addEventListener('change', () => attempt(control, { [name]: Number(control.value) }));
  return { element: row(label, control), show: (entity) => { if (document.activeElement !== control && entity.attributes.temperature != null) control.value = entity.attributes.temperature; } };
}

function coverPart(label, attempt) {
  const buttons = document.createElement('div');
  buttons.className = 'buttons';
  for (const [words, sign, values] of [['Open', '↑', { open: true }], ['Stop', '■', { stop: true }], ['Close', '↓', { open: false }]]) {
    buttons.append(pushButton(sign, `${label}: ${words}`, (button) => attempt(button, values)));
  }
  const value = valueSpan();
  const element = row(label, value, buttons);
  return { element, show: (entity) => { value.textContent = entity.state; } };
}

function lockPart(label, attempt) {
  const value = valueSpan();
  const button = pushButton('Lock', `${label}: lock`, () => attempt(button, { locked: true }));
  return { element: row(label, value, button), show: (entity) => { value.textContent = entity.state; } };
}

function buttonPart(label, attempt, can) {
  const name = Object.keys(can)[0] ?? 'press';
  return { element: row(label, pushButton('Press', label, (button) => attempt(button, { [name]: true }))), show: () => {} };
}

function selectPart(label, attempt, can) {
  const [name, capability] = Object.entries(can)[0] ?? ['option', { options: [] }];
  const control = document.createElement('select');
  control.setAttribute('aria-label', label);
  control.append(...(capability.options ?? []).map((option) => new Option(option, option)));
  control.addEventListener('change', () => attempt(control, { [name]: control.value }));
  return { element: row(label, control), show: (entity) => { control.value = entity.state; } };
}

function valuePart(label) {
  const value = valueSpan();
  return {
    element: row(label, value),
    show: (entity) => {
      value.textContent = words(entity);
      value.classList.toggle('on', entity.state === 'on');
    },
  };
}

function pushButton(text, label, act) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'more';
  button.textContent = text;
  button.setAttribute('aria-label', label);
  button.addEventListener('click', () => act(button));
  return button;
}

function valueSpan() {
  const value = document.createElement('span');
  value.className = 'value';
  return value;
}

const WORDS = {
  motion: ['clear', 'motion'], occupancy: ['clear', 'occupied'], presence: ['away', 'present'], door: ['closed', 'open'], window: ['closed', 'open'],
  opening: ['closed', 'open'], garage_door: ['closed', 'open'], moisture: ['dry', 'wet'], smoke: ['clear', 'smoke'], gas: ['clear', 'gas'],
  tamper: ['untouched', 'tampered'], vibration: ['still', 'vibrating'], battery: ['fine', 'low'], problem: ['fine', 'problem'], connectivity: ['disconnected', 'connected'],
};

function words(entity) {
  if (UNKNOWN.includes(entity.state)) return entity.state === 'unknown' ? '–' : 'not reachable';
  if (entity.domain === 'binary_sensor' && WORDS[entity.device_class]) return WORDS[entity.device_class][entity.state === 'on' ? 1 : 0];
  if (entity.domain === 'event') return `${entity.attributes.event_type ?? ''} ${time(entity.state)}`.trim();
  if (entity.device_class === 'timestamp') return time(entity.state);
  const number = Number(entity.state);
  const text = entity.state !== '' && Number.isFinite(number) ? String(Math.round(number * 100) / 100) : entity.state;
  return entity.unit ? `${text} ${entity.unit}` : text;
}

function time(text) {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? text : at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

function labelOf(device, entity) {
  if (entity.name) return entity.name;
  const spoken = { light: 'Light', switch: 'Switch', cover: 'Position', climate: 'Heating', lock: 'Lock', fan: 'Fan' }[entity.domain];
  return spoken ?? (entity.device_class ?? entity.domain).replaceAll('_', ' ').replace(/^./, (letter) => letter.toUpperCase());
}
