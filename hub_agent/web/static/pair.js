import { fromHub, t } from './language.js';

const form = document.querySelector('#form');
const told = document.querySelector('#told');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  told.textContent = '';
  try {
    const answer = await fetch('/api/v1/pair', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code: form.code.value, name: describeBrowser() }),
    });
    if (answer.ok) location.replace(`/${location.hash}`);
    else told.textContent = fromHub((await answer.json()).error.message);
  } catch {
    told.textContent = t('The hub does not answer.');
  }
});

document.title = t('Pair with the hub');
document.querySelector('h1').textContent = t('Pair this browser');
document.querySelector('p').textContent = t('The hub tells a six-digit code on its console when no browser is paired yet. Later ask for one in the settings of a browser that is paired, or on the hub:');
document.querySelector('label').textContent = t('Code');
document.querySelector('button').textContent = t('Pair');

function describeBrowser() {
  const agent = navigator.userAgent;
  const kind = ['Firefox', 'Edg', 'Chrome', 'Safari'].find((name) => agent.includes(name)) ?? 'browser';
  const device = ['iPhone', 'iPad', 'Android', 'Windows', 'Macintosh', 'Linux'].find((name) => agent.includes(name)) ?? '';
  return `${kind.replace('Edg', 'Edge')} ${device}`.trim();
}

// /pair#123456: the code came with the address, by a QR code that was scanned. It is not to stay in the browser's history.
function takeScanned() {
  const [, code] = /^#(\d{6})$/.exec(location.hash) ?? [];
  if (!code) return;
  history.replaceState(null, '', '/pair');
  form.code.value = code;
  form.requestSubmit();
}

window.addEventListener('hashchange', takeScanned);
takeScanned();
