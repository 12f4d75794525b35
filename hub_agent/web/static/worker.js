// Keeps what the page is made of, so that it opens without the hub and says so. Never what the hub answers. The hub fills in the version, of the content of
// all files, and their names: after an upgrade this worker is another one, with a store of its own, and the earlier one is deleted.
const STORE = 'page-{version}';
const BASE = '/static/{version}/';
const FILES = "{files}";
const PATIENCE_MS = 3000;

self.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const store = await caches.open(STORE);
    await store.addAll(FILES.map((name) => BASE + name));
    await keepPage(store, await fetch('/', { cache: 'no-store' }));
    await self.skipWaiting();
  })());
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== STORE) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== 'GET' || origin !== location.origin) return;
  if (event.request.mode === 'navigate' && pathname === '/') event.respondWith(page(event.request));
  else if (pathname.startsWith(BASE)) event.respondWith(file(event.request));
});

// Only a page of this version: another one belongs to the next worker.
async function keepPage(store, answer) {
  if (!answer.ok || answer.redirected || !(await answer.clone().text()).includes(BASE)) return;
  await store.put('/', answer);
}

// As the hub has it now, if it answers in time: nobody sees the page of before an upgrade, nor who is not paired any more.
async function page(request) {
  const kept = await (await caches.open(STORE)).match('/');
  const asked = fetch(request);
  if (!kept) return asked;
  asked.catch(() => {});
  const late = new Promise((resolve) => { setTimeout(() => resolve(kept), PATIENCE_MS); });
  return Promise.race([asked, late]).catch(() => kept);
}

async function file(request) {
  return await (await caches.open(STORE)).match(request) ?? fetch(request);
}
