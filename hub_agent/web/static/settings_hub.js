// The hub itself: backups, where alerts go, its version and settings, what helps others to help, and its restart.
import { api, send } from './api.js';
import { locale, number, t } from './language.js';
import { keepOrSay } from './lists.js';
import { row } from './settings_home.js';
import { make, timeElement } from './words.js';

const section = (id, title, ...children) => make('section', { 'aria-labelledby': id }, make('h2', { id, text: title }), ...children);

export function backupsPart() {
  const intro = make('p', { className: 'soft' });
  const list = make('ul', { id: 'backups', className: 'plain' });
  const told = make('p', { className: 'told', role: 'status' });
  const now = make('button', { id: 'backup-now', type: 'button', className: 'more', text: t('Make one now') });
  const passphrase = make('input', { id: 'backup-passphrase', type: 'password', minlength: '8', required: '', autocomplete: 'new-password' });
  const take = make('button', { type: 'submit', className: 'more', text: t('Download') });
  const taking = make('form', { id: 'backup-take', className: 'settings-form' }, row('backup-passphrase', t('Passphrase, 8 characters or more'), passphrase), make('div', { className: 'buttons' }, take), make('p', { className: 'soft', text: t('Who has the file and the passphrase can be this hub. Without the passphrase nobody can open it: write it down.') }));
  now.addEventListener('click', () => busy(now, told, async () => { await send('POST', 'backups'); await read(); return t('It was made, and read back.'); }));
  taking.addEventListener('submit', (event) => {
    event.preventDefault();
    busy(take, told, async () => {
      const answer = await fetch('/api/v1/backups/download', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ passphrase: passphrase.value }) });
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error?.message ?? t('The hub answered {status}.', { status: answer.status }));
      save(await answer.blob(), /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? 'nexa-hub-backup');
      passphrase.value = '';
      return t('It was made, and read back.');
    });
  });

  async function read() {
    const body = await api('backups');
    intro.textContent = body.is_nightly ? t('Each night one is made in {folder}; the last {kept} are kept.', { folder: body.folder, kept: number(body.kept) }) : t('None is made by itself: the setting backup.folder says where to.');
    keepOrSay(list, body.files, (each) => each.name, (each) => make('li', {}, timeElement(each.made_at), ` · ${number(each.bytes / 1e6, { maximumFractionDigits: 1 })} MB`), t('There is none yet.'), 'li');
  }

  const more = make('details', { className: 'all' }, make('summary', { text: t('Take one away') }), taking);
  return { element: section('backups-title', t('Backups'), make('div', { className: 'card' }, intro, list, make('div', { className: 'buttons' }, now), more, told)), read };
}

export function channelsPart() {
  const list = make('ul', { id: 'channels', className: 'plain' });
  const told = make('p', { className: 'told', role: 'status' });

  function line(channel) {
    const text = make('span');
    const button = make('button', { type: 'button', className: 'more', text: t('Try it'), 'data-needs': 'configure' });
    const item = make('li', { className: 'row' }, text, button);
    button.addEventListener('click', () => busy(button, told, async () => { await send('POST', `alerts/channels/${encodeURIComponent(channel.name)}/test`); return t('A message was sent to {channel}.', { channel: channel.name }); }));
    item.show = (now) => { text.textContent = [`${now.name} (${now.kind})`, now.failing].filter(Boolean).join(': '); text.className = now.failing ? 'bad' : ''; };
    item.show(channel);
    return item;
  }

  const read = async () => keepOrSay(list, await api('alerts/channels'), (each) => each.name, line, t('Alerts are shown on this page only. The settings say how they get to your phone: [notify.phone].'), 'li');
  return { element: section('channels-title', t('Where alerts go'), make('div', { className: 'card' }, list, told)), read };
}

export function hubPart() {
  const facts = make('dl', { id: 'hub-facts' });
  const file = make('p', { className: 'soft' });
  const table = make('table', { id: 'settings-table' });
  const told = make('p', { className: 'told', role: 'status' });
  const diagnostics = make('a', { id: 'diagnostics', className: 'more', href: '/api/v1/diagnostics', download: 'nexa-hub-diagnostics.json', text: t('Download diagnostics') });
  const restart = make('button', { id: 'restart', type: 'button', className: 'more', text: t('Restart the agent …') });
  let isAsked = false;
  restart.addEventListener('click', () => {
    if (!isAsked) {
      isAsked = true;
      restart.textContent = t('Really? Automations stand still for some seconds');
      restart.classList.add('ask');
      return;
    }
    calm();
    busy(restart, told, async () => { await send('POST', 'restart'); return t('It is started again.'); });
  });
  restart.addEventListener('blur', calm);

  function calm() {
    isAsked = false;
    restart.textContent = t('Restart the agent …');
    restart.classList.remove('ask');
  }

  async function read() {
    const [status, settings] = await Promise.all(['status', 'settings'].map((path) => api(path)));
    const rows = [
      [t('Version'), status.agent.version],
      [t('Running since'), new Date(status.agent.started_at).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' })],
      [t('Memory'), `${number(status.agent.memory_bytes / 1048576, { maximumFractionDigits: 0 })} MB`],
      [t('Devices'), number(status.counts.devices)],
      [t('Broker'), status.broker.is_connected ? status.broker.address : t('{address}, not connected', { address: status.broker.address })],
    ];
    facts.replaceChildren(...rows.flatMap(([name, value]) => [make('dt', { text: name }), make('dd', { text: value })]));
    file.textContent = settings.file ? t('They stand in {file}; the agent reads them when it starts.', { file: settings.file }) : t('They are the defaults, and what the environment says.');
    table.replaceChildren(make('caption', { className: 'quiet', text: t('Settings in force') }), make('tbody', {}, ...Object.entries(settings.sections).flatMap(([name, section]) => Object.entries(section).map(([key, value]) => make('tr', {}, make('th', { scope: 'row', text: `${name}.${key}` }), make('td', { text: value === null ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value) }))))));
  }

  const inForce = make('details', { id: 'settings-in-force', className: 'all' }, make('summary', { text: t('Settings in force') }), file, table);
  return { element: section('hub-title', t('The hub'), make('div', { className: 'card sync' }, facts, inForce, make('div', { className: 'buttons' }, diagnostics, restart), told)), read };
}

async function busy(button, told, act) {
  button.disabled = true;
  told.className = 'told';
  told.textContent = t('A moment …');
  try { told.textContent = await act(); } catch (err) { told.className = 'told bad'; told.textContent = err.message; }
  button.disabled = false;
}

function save(blob, name) {
  const link = make('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
