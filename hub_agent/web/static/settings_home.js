// The page's own settings, and the home's: what it is called, where it lies, which time holds in it.
import { api, send } from './api.js';
import { LANGUAGES, chooseLanguage, chosenLanguage, t } from './language.js';
import { make } from './words.js';

export function pagePart() {
  const language = select('language', { '': t('as the browser says'), ...LANGUAGES }, chosenLanguage(), (value) => chooseLanguage(value));
  for (const option of language.options) if (option.value) option.lang = option.value;
  const theme = select('theme', { '': t('as the device has it'), light: t('light'), dark: t('dark') }, document.documentElement.dataset.theme ?? '', chooseTheme);
  return make('section', { 'aria-labelledby': 'page-title' }, make('h2', { id: 'page-title', text: t('This page') }),
    make('div', { className: 'card' }, row('language', t('Language of this page'), language), row('theme', t('Light or dark'), theme)));
}

function chooseTheme(value) {
  try {
    if (value) localStorage.setItem('theme', value);
    else localStorage.removeItem('theme');
  } catch { /* for as long as this page is open, then */ }
  if (value) document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
}

export function homePart() {
  const name = input('home-name', { maxlength: '100', required: '' });
  const zone = input('home-zone', { list: 'zones', required: '' });
  const zones = make('datalist', { id: 'zones' }, ...(Intl.supportedValuesOf?.('timeZone') ?? []).map((each) => make('option', { value: each })));
  const latitude = input('home-latitude', { type: 'number', min: '-90', max: '90', step: 'any', inputmode: 'decimal' });
  const longitude = input('home-longitude', { type: 'number', min: '-180', max: '180', step: 'any', inputmode: 'decimal' });
  const told = make('p', { className: 'told', role: 'status' });
  const here = make('button', { type: 'button', className: 'more', text: t('This device is at home: take its place') });
  const save = make('button', { type: 'submit', className: 'more main', text: t('Save') });
  const form = make('form', { className: 'card settings-form' }, row('home-name', t('Name of the home'), name), row('home-zone', t('Time zone'), zone), zones,
    row('home-latitude', t('Latitude'), latitude), row('home-longitude', t('Longitude'), longitude), make('p', { className: 'soft', text: t('Where the home lies says when the sun rises and sets.') }),
    make('div', { className: 'buttons' }, ...(window.isSecureContext && navigator.geolocation ? [here] : []), save), told);
  let known = null;

  here.addEventListener('click', () => navigator.geolocation.getCurrentPosition(
    ({ coords }) => { latitude.value = coords.latitude.toFixed(4); longitude.value = coords.longitude.toFixed(4); },
    () => { told.textContent = t('This browser does not say where it is.'); },
  ));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    told.className = 'told';
    try {
      show(await send('PATCH', 'home', changes()));
      told.textContent = t('It is so from now on.');
    } catch (err) {
      told.className = 'told bad';
      told.textContent = err.message;
      ({ timezone: zone, name, latitude }[err.field])?.focus();
    }
  });

  function changes() {
    const now = { name: name.value.trim(), timezone: zone.value.trim(), latitude: Number(latitude.value), longitude: Number(longitude.value) };
    const changed = Object.fromEntries(Object.entries(now).filter(([key, value]) => value !== known[key]));
    if ('latitude' in changed || 'longitude' in changed) Object.assign(changed, { latitude: now.latitude, longitude: now.longitude });
    return changed;
  }

  function show(home) {
    known = home;
    if (form.contains(document.activeElement) && document.activeElement !== save) return;
    name.value = home.name;
    zone.value = home.timezone;
    latitude.value = home.latitude;
    longitude.value = home.longitude;
  }

  const element = make('section', { 'aria-labelledby': 'own-home-title', 'data-needs': 'configure' }, make('h2', { id: 'own-home-title', text: t('Home') }), form);
  return { element, read: async () => show(await api('home')) };
}

export function row(id, text, control) {
  return make('div', { className: 'row' }, make('label', { for: id, className: 'label', text }), control);
}

function input(id, attributes) {
  return make('input', { id, autocomplete: 'off', ...attributes });
}

function select(id, options, value, changed) {
  const element = make('select', { id }, ...Object.entries(options).map(([key, text]) => make('option', { value: key, text })));
  element.value = value;
  element.addEventListener('change', () => changed(element.value));
  return element;
}
