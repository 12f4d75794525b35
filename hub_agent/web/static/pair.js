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
    if (answer.ok) location.replace('/');
    else told.textContent = (await answer.json()).error.message;
  } catch {
    told.textContent = 'The hub does not answer.';
  }
});

function describeBrowser() {
  const agent = navigator.userAgent;
  const kind = ['Firefox', 'Edg', 'Chrome', 'Safari'].find((name) => agent.includes(name)) ?? 'browser';
  const device = ['iPhone', 'iPad', 'Android', 'Windows', 'Macintosh', 'Linux'].find((name) => agent.includes(name)) ?? '';
  return `${kind.replace('Edg', 'Edge')} ${device}`.trim();
}
