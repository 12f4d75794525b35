// Energy: what the home and each device used in a day, a month or a year, next to the time before.
import { api, send } from './api.js';
import { locale, number, t } from './language.js';
import { keep } from './lists.js';
import { plot } from './plot.js';
import { make } from './words.js';

const PERIODS = { day: t('Day'), month: t('Month'), year: t('Year') };
const ROLES = { device: t('what a device uses'), grid: t('the whole home, at the grid'), solar: t('solar panels'), battery: t('a battery'), ignored: t('nothing that counts') };
const FLOWS = { grid_wh: t('from the grid'), returned_wh: t('into the grid'), solar_wh: t('from the sun'), charged_wh: t('into batteries'), discharged_wh: t('out of batteries') };
const AGAIN_MS = 60000;

export function view(container, { readSoon }) {
  const asked = { period: 'day', day: null };
  let told = null;
  let chosen = null;

  const periods = make('div', { className: 'choices', role: 'group', 'aria-label': t('Period') });
  for (const [period, text] of Object.entries(PERIODS)) {
    const button = make('button', { type: 'button', 'data-period': period, text });
    button.addEventListener('click', () => { asked.period = period; readSoon(['energy']); });
    periods.append(button);
  }
  const back = make('button', { type: 'button', id: 'energy-back', 'aria-label': t('Earlier'), text: '‹' });
  const on = make('button', { type: 'button', id: 'energy-on', 'aria-label': t('Later'), text: '›' });
  const when = make('h2', { id: 'energy-when' });
  back.addEventListener('click', () => move(-1));
  on.addEventListener('click', () => move(1));
  const used = make('p', { id: 'energy-used', className: 'figure' });
  const than = make('p', { id: 'energy-than', className: 'soft' });
  const flows = make('ul', { id: 'energy-flows' });
  const drawn = plot('energy-plot');
  const table = make('table');
  const asTable = make('details', { id: 'energy-table', className: 'all' }, make('summary', { text: t('As a table') }), table);
  const nothing = make('p', { id: 'energy-nothing', className: 'card empty', text: t('Nothing is known of this time. What plugs and meters count appears here by itself, an hour after they are there.') });
  const card = make('div', { className: 'card energy' }, used, than, flows, drawn.element, asTable);
  const devices = make('ul', { id: 'energy-devices', className: 'energy-devices' });
  const byDevice = make('section', { 'aria-labelledby': 'energy-devices-title' }, make('h2', { id: 'energy-devices-title', text: t('By device') }), devices);
  container.append(periods, make('div', { className: 'between' }, back, when, on), card, nothing, byDevice);

  // What is over stays; of what goes on, more has been used a minute later.
  setInterval(() => { if (!container.hidden && !document.hidden && told?.is_now) readSoon(['energy']); }, AGAIN_MS);

  function move(by) {
    const begins = new Date(`${told.begins.slice(0, 10)}T12:00:00`);
    if (told.period === 'day') begins.setDate(begins.getDate() + by);
    else if (told.period === 'month') begins.setMonth(begins.getMonth() + by, 1);
    else begins.setFullYear(begins.getFullYear() + by, 0, 1);
    asked.day = `${begins.getFullYear()}-${two(begins.getMonth() + 1)}-${two(begins.getDate())}`;
    readSoon(['energy']);
  }

  function show(now) {
    told = now;
    for (const button of periods.children) button.setAttribute('aria-pressed', button.dataset.period === told.period);
    when.textContent = periodWords(told);
    on.disabled = told.is_now || new Date(told.ends) > new Date();
    back.disabled = !told.earliest || told.begins.slice(0, 10) <= told.earliest;
    const isKnown = told.home.used_wh !== null;
    card.hidden = byDevice.hidden = !isKnown;
    nothing.hidden = isKnown;
    if (!isKnown) return;
    used.textContent = t('{amount} used', { amount: amount(told.home.used_wh) });
    than.textContent = compared(told);
    const flowing = Object.entries(FLOWS).filter(([name]) => told.home[name] > 0);
    flows.replaceChildren(...flowing.map(([name, words]) => make('li', { text: `${amount(told.home[name])} ${words}` })));
    showPlot();
    showTable();
    const counted = told.devices.filter((each) => each.name || each.used_wh > 0);
    const most = Math.max(1, ...counted.map((each) => each.used_wh));
    keep(devices, counted, (each) => each.id, (each) => deviceLine(each, choose, declare));
    for (const line of devices.children) line.compare(most, chosen);
  }

  function showPlot() {
    const device = told.devices.find((each) => each.id === chosen);
    drawn.show({
      label: device ? t('Used by {device}, as a part of all', { device: device.name }) : t('Used, {period}', { period: periodWords(told) }),
      bars: told.parts.map((part, index) => ({
        value: part.used_wh,
        inner: device ? device.parts[index] : null,
        tick: tick(part.begins, told.period),
        words: t('{when}: {amount}', { when: partWords(part.begins, told.period), amount: partAmount(part, device, index) }),
      })),
      unit: (value) => amount(value),
    });
  }

  function partAmount(part, device, index) {
    if (part.used_wh === null) return t('not known');
    return device ? t('{part} of {whole}', { part: amount(device.parts[index] ?? 0), whole: amount(part.used_wh) }) : amount(part.used_wh);
  }

  function showTable() {
    const shown = ['used_wh', ...Object.keys(FLOWS).filter((name) => told.home[name] > 0)];
    const names = { used_wh: t('used'), ...FLOWS };
    const head = make('tr', {}, make('th', { scope: 'col', text: t('Time') }), ...shown.map((name) => make('th', { scope: 'col', text: names[name] })));
    const rows = told.parts.filter((part) => part.used_wh !== null).map((part) => make('tr', {}, make('th', { scope: 'row', text: partWords(part.begins, told.period) }), ...shown.map((name) => make('td', { text: amount(part[name]) }))));
    table.replaceChildren(make('caption', { className: 'quiet', text: periodWords(told) }), make('thead', {}, head), make('tbody', {}, ...rows));
  }

  function choose(id) {
    chosen = chosen === id ? null : id;
    show(told);
  }

  async function declare(device, role) {
    await send('PUT', `energy/devices/${encodeURIComponent(device.id)}`, { role });
    readSoon(['energy']);
  }

  return {
    reads: { energy: async () => show(await api(`energy?period=${asked.period}${asked.day ? `&day=${asked.day}` : ''}`)) },
    on: { device: ['energy'] },
  };
}

function deviceLine(device, choose, declare) {
  let now = device;
  const name = make('span', { className: 'name' });
  const value = make('span', { className: 'value' });
  const bar = make('span', { className: 'bar', 'aria-hidden': 'true' });
  const press = make('button', { type: 'button', className: 'share' }, name, value, bar);
  press.addEventListener('click', () => choose(now.id));
  const told = make('span', { className: 'told bad', role: 'status' });
  const select = make('select', {}, ...Object.entries(ROLES).map(([role, text]) => make('option', { value: role, text })));
  select.addEventListener('change', async () => {
    told.textContent = '';
    try { await declare(now, select.value); } catch (err) { told.textContent = err.message; select.value = now.role; }
  });
  const choice = make('details', { className: 'all', 'data-needs': 'configure' }, make('summary', { text: t('What it measures') }), select, told);
  const line = make('li', { className: 'card' }, press, choice);
  line.show = (said) => {
    now = said;
    name.textContent = said.name || t('a device that is gone');
    value.textContent = [amount(said.used_wh), said.returned_wh ? t('{amount} back', { amount: amount(said.returned_wh) }) : null].filter(Boolean).join(', ');
    choice.hidden = !said.name;
    select.setAttribute('aria-label', t('What {device} measures', { device: said.name }));
    if (document.activeElement !== select) select.value = said.role;
    line.classList.toggle('ignored', said.role === 'ignored');
  };
  line.compare = (most, chosen) => {
    bar.style.width = `${Math.round((100 * now.used_wh) / most)}%`;
    press.setAttribute('aria-pressed', chosen === now.id);
  };
  line.show(device);
  return line;
}

// How times and amounts are said. A part's time is the home's own, which may not be the browser's.

const two = (value) => String(value).padStart(2, '0');

function amount(wh) {
  if (wh === null) return '–';
  return wh >= 1000 ? `${number(wh / 1000, { maximumFractionDigits: wh >= 100000 ? 0 : wh >= 10000 ? 1 : 2 })}\u202fkWh` : `${number(wh, { maximumFractionDigits: 0 })}\u202fWh`;
}

const atNoon = (begins) => new Date(`${begins.slice(0, 10)}T12:00:00`);

function periodWords({ period, begins, is_now: isNow }) {
  if (isNow) return { day: t('Today'), month: t('This month'), year: t('This year') }[period];
  const options = { day: { weekday: 'long', day: 'numeric', month: 'long' }, month: { month: 'long', year: 'numeric' }, year: { year: 'numeric' } }[period];
  return atNoon(begins).toLocaleDateString(locale, options);
}

function partWords(begins, period) {
  if (period === 'day') return `${begins.slice(11, 16)} – ${two((Number(begins.slice(11, 13)) + 1) % 24)}:${begins.slice(14, 16)}`;
  return atNoon(begins).toLocaleDateString(locale, period === 'month' ? { weekday: 'short', day: 'numeric', month: 'short' } : { month: 'long' });
}

function tick(begins, period) {
  if (period === 'day') return Number(begins.slice(11, 13)) % 6 === 0 ? begins.slice(11, 16) : '';
  if (period === 'month') return [1, 8, 15, 22, 29].includes(Number(begins.slice(8, 10))) ? String(Number(begins.slice(8, 10))) : '';
  return atNoon(begins).toLocaleDateString(locale, { month: 'narrow' });
}

function compared({ period, home, before_so_far: before, is_now: isNow }) {
  if (before.used_wh === null || before.used_wh < 1) return '';
  const percent = Math.round((100 * (home.used_wh - before.used_wh)) / before.used_wh);
  const words = isNow
    ? { day: t('yesterday by now'), month: t('last month by now'), year: t('last year by now') }
    : { day: t('the day before'), month: t('the month before'), year: t('the year before') };
  const then = t('{when}: {amount}', { when: words[period], amount: amount(before.used_wh) });
  if (Math.abs(percent) < 3) return t('about as much as before ({then})', { then });
  return percent > 0 ? t('{percent} % more ({then})', { percent: number(percent), then }) : t('{percent} % less ({then})', { percent: number(-percent), then });
}
