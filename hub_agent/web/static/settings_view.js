// Settings: of the page and the home, the cloud and what was changed on both sides, backups, where alerts go, the hub itself.
import { accessPart } from './access.js';
import { api, send } from './api.js';
import { claimPart } from './claim.js';
import { disputesPart } from './disputes.js';
import { home, may } from './home.js';
import { fromHub, number, t } from './language.js';
import { homePart, pagePart } from './settings_home.js';
import { backupsPart, channelsPart, hubPart } from './settings_hub.js';
import { make, timeElement } from './words.js';

export function view(container, { readSoon }) {
  const disputes = make('section', { id: 'disputes', 'aria-labelledby': 'disputes-title', hidden: '' });
  const text = make('p', { id: 'sync-text', text: '…' });
  const lines = make('ul', { id: 'sync-lines' });
  const facts = make('dl', { id: 'sync-facts' });
  const claim = claimPart(() => readSoon(['sync']));
  const [own, access, backups, channels, hub] = [homePart(), accessPart(), backupsPart(), channelsPart(), hubPart()];
  container.append(
    disputes,
    pagePart(),
    own.element,
    access.element,
    make('section', { 'aria-labelledby': 'sync-title' }, make('h2', { id: 'sync-title', text: t('Cloud') }), make('div', { className: 'card sync' }, text, lines, facts, ...claim.elements)),
    backups.element,
    channels.element,
    hub.element,
  );
  const disputed = disputesPart(disputes, {
    decide: async (conflict, side) => { await send('POST', `sync/conflicts/${encodeURIComponent(conflict.id)}/decide`, { side }); readSoon(['disputes']); },
    answer: async (lost, isPutBack) => { await send('POST', `sync/lost/${lost.id}`, { put_back: isPutBack }); readSoon(['disputes']); },
  });

  function showSync(sync) {
    claim.show(sync);
    text.textContent = fromHub(sync.text);
    lines.replaceChildren(...(sync.lines ?? []).map((line) => make('li', { text: fromHub(line.replace(/ \(nexa-hub [^)]*\)/g, '')) })));
    const rows = sync.is_claimed ? [[t('Last exchange'), sync.last_contact_at ? timeElement(sync.last_contact_at) : t('never yet')], [t('Records waiting'), number(sync.waiting)], [t('Last acknowledged'), sync.last_acknowledged_at ? timeElement(sync.last_acknowledged_at) : t('never yet')]] : [];
    facts.replaceChildren(...rows.flatMap(([name, value]) => [make('dt', { text: name }), make('dd', {}, value)]));
  }

  return {
    reads: {
      disputes: async () => {
        const [conflicts, lost] = await Promise.all([api('sync/conflicts'), api('sync/lost')]);
        home.lost = lost;
        disputed.show(conflicts, lost);
      },
      own: own.read,
      access: access.read,
      backups: ifAllowed(backups),
      channels: channels.read,
      hub: ifAllowed(hub),
      sync: async () => showSync(await api('sync')),
    },
    on: { dispute: ['disputes'], home: ['disputes', 'own'], alert: ['channels'] },
    live: { sync: showSync },
  };
}

// What somebody may not see here is not there for them.
const ifAllowed = ({ element, read }) => async () => { element.hidden = !may('configure'); if (!element.hidden) await read(); };
