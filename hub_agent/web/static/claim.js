// The hub becomes part of a home in the cloud, with the code that is shown for that home.
import { send } from './api.js';
import { fromHub, t } from './language.js';
import { row } from './settings_home.js';
import { make } from './words.js';

export function claimPart(changed) {
  const code = make('input', { id: 'claim-code', autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', maxlength: '100', required: '' });
  const join = make('button', { type: 'submit', className: 'more main', text: t('Join the home') });
  const told = make('p', { className: 'told', role: 'status' });
  const form = make('form', { id: 'claim', className: 'settings-form', 'data-needs': 'configure', hidden: '' }, row('claim-code', t('Code that the NEXA app shows for your home'), code), make('div', { className: 'buttons' }, join));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    join.disabled = true;
    told.className = 'told';
    told.textContent = t('One moment …');
    try {
      told.textContent = fromHub((await send('POST', 'sync/claim', { code: code.value.trim() })).text);
      code.value = '';
      changed();
    } catch (err) {
      told.className = 'told bad';
      told.textContent = err.message;
      code.focus();
    }
    join.disabled = false;
  });
  return { elements: [form, told], show: (sync) => { form.hidden = sync.is_claimed || !sync.address; } };
}
