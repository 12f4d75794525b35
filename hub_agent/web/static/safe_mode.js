// The hub runs without what is optional, for it kept failing: said above every view, with the way out.
import { send } from './api.js';
import { fromHub, t, tn } from './language.js';
import { make, timeElement } from './words.js';

export function safeModePart(section) {
  const why = make('p');
  const left = make('ul');
  const again = make('p');
  const leave = make('button', { type: 'button', text: t('Try everything again'), 'data-needs': 'configure' });
  const told = make('p', { className: 'told', role: 'status' });
  section.append(make('h2', { id: 'safe-mode-title', text: t('The hub runs in safe mode') }), why, make('p', { text: t('Automations, scenes and this page go on. Left out are:') }), left, again, leave, told);
  section.setAttribute('aria-labelledby', 'safe-mode-title');
  leave.addEventListener('click', async () => {
    leave.disabled = true;
    told.className = 'told';
    try {
      told.textContent = fromHub((await send('POST', 'safe-mode/leave')).text);
    } catch (err) {
      told.className = 'told bad';
      told.textContent = err.message;
      leave.disabled = false;
    }
  });

  return (mode) => {
    section.hidden = !mode;
    if (!mode) { leave.disabled = false; told.textContent = ''; return; }
    why.replaceChildren(tn('Its program ended {count} time soon after its start.', 'Its program ended {count} times soon after its start.', mode.failed), ` ${t('It has been so since')} `, timeElement(mode.since), '. ', t('Why is in its log: journalctl -u nexa-hub.'));
    left.replaceChildren(...mode.left_out.map((each) => make('li', { text: fromHub(each) })));
    again.replaceChildren(`${t('Everything is tried again by itself:')} `, timeElement(mode.trial_at), '.');
  };
}
