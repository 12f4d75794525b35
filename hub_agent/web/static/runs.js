// A run of an automation, with its trace when it is opened.

const STATUS = { success: 'done', failed: 'failed', partial: 'partly done', cancelled: 'cancelled', timeout: 'timed out', conditions_not_met: 'conditions not met', running: 'running' };

export function runItem(run, isOpen, api) {
  const item = document.createElement('li');
  item.className = 'card';
  const details = document.createElement('details');
  details.dataset.id = run.id;
  const summary = document.createElement('summary');
  const dot = document.createElement('span');
  dot.className = `dot ${run.status}`;
  const name = document.createElement('span');
  name.textContent = `${run.automation ?? run.automation_id} – ${STATUS[run.status] ?? run.status}`;
  const at = document.createElement('time');
  at.dateTime = run.started_at;
  at.textContent = new Date(run.started_at).toLocaleTimeString();
  summary.append(dot, name, at);
  details.append(summary);
  details.addEventListener('toggle', () => { if (details.open && !details.querySelector('.trace')) showTrace(details, run, api); });
  details.open = isOpen;
  item.append(details);
  return item;
}

async function showTrace(details, run, api) {
  const list = document.createElement('ol');
  list.className = 'trace';
  details.append(list);
  try {
    const trace = await api(`runs/${run.id}`);
    const trigger = line('Triggered', trace.started_at, trace.triggered_by, trace.trigger);
    list.replaceChildren(trigger, ...(trace.steps ?? []).map((step) => line(step.path ?? step.kind, step.at, step.result, step.error ?? step.values ?? step.action ?? step.target)));
  } catch (err) {
    list.replaceChildren(line('Trace', null, err.message));
  }
}

function line(what, at, result, details) {
  const item = document.createElement('li');
  const head = document.createElement('span');
  head.className = 'what';
  head.textContent = `${at ? new Date(at).toLocaleTimeString() : ''} ${what}: `;
  const text = details == null || details === '' ? '' : ` ${typeof details === 'string' ? details : JSON.stringify(details)}`;
  item.append(head, `${result ?? ''}${text.length > 300 ? `${text.slice(0, 300)}…` : text}`);
  return item;
}
