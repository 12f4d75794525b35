// Writing an automation: when, only if, then; each a row of words with its controls, and the text behind it. The hub reads along and says what is wrong.
import { api, send } from './api.js';
import { t } from './language.js';
import { ACTIONS, CONDITIONS, TRIGGERS } from './rule_kinds.js';
import { Row } from './rule_row.js';
import { actionWords, conditionWords, list, ruleWords, triggerWords } from './rule_words.js';
import { replayed } from './rule_replay.js';
import { make, timeElement } from './words.js';

const QUIET_MS = 400;
const PARTS = [
  { column: 'triggers', title: () => t('When'), none: () => t('Nothing starts it: it runs only when somebody starts it.'), add: () => t('Add what starts it …'), kinds: TRIGGERS, words: triggerWords },
  { column: 'conditions', title: () => t('Only if'), none: () => t('Always.'), add: () => t('Add what must be so …'), kinds: CONDITIONS, words: conditionWords },
  { column: 'actions', title: () => t('Then'), none: () => t('Nothing happens yet.'), add: () => t('Add what it does …'), kinds: ACTIONS, words: actionWords },
];
const MODES = [
  ['single', () => t('the new one is left out')],
  ['restart', () => t('the running one ends, the new one begins')],
  ['queued', () => t('the new one waits its turn')],
  ['parallel', () => t('both run side by side')],
];

// `known`: as the API gives its definition, or null for a new one, then `fields` to begin with. `done(words, id, canUndo)`: it was saved or put away; told when the dialog is closed and has given the focus back.
export function openAutomationEditor(known, home, done, fields = null) {
  const editor = new Editor(known, home, done, fields);
  document.body.append(editor.dialog);
  editor.dialog.showModal();
  (known ? editor.title : editor.name).focus();
}

class Editor {
  constructor(known, home, done, fields) {
    Object.assign(this, { known, home, done, isTouched: false, isWarned: false, checks: 0 });
    this.fields = structuredClone(known?.fields ?? fields ?? { name: '', triggers: [], conditions: [], actions: [], metadata: {} });
    this.parts = PARTS.map((part) => ({ ...part, rows: [] }));
    this.build();
    this.fill();
    this.check();
  }

  build() {
    this.title = make('h2', { id: 'rule-title', tabindex: '-1', text: this.known ? t('Edit “{name}”', { name: this.known.name }) : t('New automation') });
    this.sentence = make('p', { className: 'sentence', 'aria-live': 'polite' });
    this.name = make('input', { type: 'text', maxlength: '200', required: '', autocomplete: 'off', id: 'rule-name' });
    this.nameWrong = make('p', { className: 'wrong', role: 'alert', id: 'rule-name-wrong' });
    this.name.setAttribute('aria-describedby', this.nameWrong.id);
    this.name.addEventListener('input', () => this.changed());
    this.description = make('textarea', { maxlength: '2000', rows: '2', id: 'rule-description' });
    this.description.addEventListener('input', () => this.changed());
    this.mode = make('select', { id: 'rule-mode' }, ...MODES.map(([mode, words]) => new Option(words(), mode)));
    this.max = make('input', { type: 'number', min: '2', max: '100', id: 'rule-max' });
    for (const each of [this.mode, this.max]) each.addEventListener('input', () => this.changed());
    this.remarks = make('ul', { className: 'remarks' });
    this.told = make('p', { className: 'told', role: 'alert' });
    this.past = make('div', { className: 'past' });
    this.body = make('div', { className: 'body' },
      this.sentence,
      make('div', { className: 'field' }, make('label', { for: 'rule-name', text: t('Name') }), this.name, this.nameWrong),
      ...this.parts.map((part) => this.section(part)),
      this.remarks, this.more(), this.behind(),
      make('p', { className: 'choices' }, button(t('What would it have done in the past day?'), () => this.replay(), 'less')), this.past,
      ...(this.known ? [this.earlier(), this.putAway()] : []));
    const form = make('form', { novalidate: '' },
      make('header', {}, this.title, button('×', () => this.leave(), 'cross', t('Close'))),
      this.body,
      make('footer', {}, this.told, make('button', { type: 'submit', className: 'main', text: t('Save') }), button(t('Cancel'), () => this.leave(), 'less')));
    form.addEventListener('submit', (event) => { event.preventDefault(); this.save(); });
    this.dialog = make('dialog', { className: 'editor rule', 'aria-labelledby': 'rule-title' }, form);
    this.dialog.addEventListener('cancel', (event) => { event.preventDefault(); this.leave(); });
    this.dialog.addEventListener('close', () => { clearTimeout(this.soon); this.dialog.remove(); });
  }

  section(part) {
    const title = make('h3', { id: `rule-${part.column}`, text: part.title() });
    part.list = make('div', { className: 'parts' });
    part.empty = make('p', { className: 'because', text: part.none() });
    part.adding = make('select', { 'aria-label': part.add() }, new Option(part.add(), ''), ...part.kinds.map((kind) => new Option(kind.title(), kind.name)), new Option(t('something else, as text'), 'text'));
    // By keyboard each step through the choices is a change: it is added by Enter or the button, by a pointer at once.
    part.adding.addEventListener('keydown', (event) => { if (event.key === 'Enter') { event.preventDefault(); this.add(part); } });
    return make('section', { 'aria-labelledby': title.id }, title, part.list, part.empty, make('p', { className: 'choices' }, part.adding, button(t('Add'), () => this.add(part), 'less', `${part.title()}: ${t('Add')}`)));
  }

  more() {
    this.maxRow = make('div', { className: 'field' }, make('label', { for: 'rule-max', text: t('At most so many at once') }), this.max);
    return make('details', { className: 'all' }, make('summary', { text: t('More') }),
      make('div', { className: 'field' }, make('label', { for: 'rule-description', text: t('Description') }), this.description),
      make('div', { className: 'field' }, make('label', { for: 'rule-mode', text: t('If it is set off while it runs') }), this.mode), this.maxRow);
  }

  behind() {
    this.text = make('textarea', { className: 'code', rows: '16', spellcheck: 'false', autocapitalize: 'off', 'aria-label': t('The automation as text') });
    this.text.addEventListener('input', () => { this.isTouched = true; this.isWarned = false; this.isByText = true; this.checkSoon(); });
    return make('details', { className: 'all behind' }, make('summary', { text: t('Show the text behind it') }), make('p', { className: 'because', text: t('YAML in the words of Home Assistant. What you change here changes above, and the other way round.') }), this.text);
  }

  // Both ways between fields and controls.

  fill() {
    const { name, description, metadata } = this.fields;
    this.name.value = name ?? '';
    this.description.value = description ?? '';
    this.mode.value = metadata?.mode ?? 'single';
    this.max.value = metadata?.max ?? '';
    for (const part of this.parts) {
      part.rows = list(this.fields[part.column]).map((item) => this.row(part, item));
      this.show(part);
    }
    this.say();
  }

  row(part, item) {
    const tryOut = part.column === 'actions' ? (now) => tried(now) : undefined;
    return new Row(part, item, this.home, { changed: () => this.changed(), remove: (row) => this.remove(part, row), move: (row, by) => this.move(part, row, by), tryOut });
  }

  show(part) {
    part.list.replaceChildren(...part.rows.map((row) => row.element));
    part.empty.hidden = part.rows.length > 0;
  }

  add(part) {
    const kind = part.kinds.find((each) => each.name === part.adding.value);
    if (!kind && part.adding.value !== 'text') { part.adding.focus(); return; }
    const row = this.row(part, kind ? kind.make() : {});
    row.isNew = true;
    part.rows.push(row);
    part.adding.value = '';
    this.show(part);
    this.changed();
    row.body.querySelector('select, input, textarea')?.focus();
  }

  remove(part, row) {
    const index = part.rows.indexOf(row);
    part.rows.splice(index, 1);
    this.show(part);
    this.changed();
    (part.rows[Math.min(index, part.rows.length - 1)]?.acts.at(-1) ?? part.adding).focus();
  }

  move(part, row, by) {
    const from = part.rows.indexOf(row);
    const to = from + by;
    if (to < 0 || to >= part.rows.length) return;
    part.rows.splice(to, 0, ...part.rows.splice(from, 1));
    this.show(part);
    this.changed();
    row.acts[by < 0 ? 0 : 1].focus();
  }

  read() {
    const metadata = { ...this.fields.metadata, mode: this.mode.value };
    if (this.mode.value === 'single' && !this.fields.metadata?.mode) delete metadata.mode;
    if (this.max.value && ['queued', 'parallel'].includes(this.mode.value)) metadata.max = Number(this.max.value);
    else delete metadata.max;
    return { ...this.fields, name: this.name.value.trim(), description: this.description.value.trim() || null, metadata, ...Object.fromEntries(this.parts.map((part) => [part.column, part.rows.map((row) => row.item)])) };
  }

  changed() {
    this.isTouched = true;
    this.isWarned = false;
    this.isByText = false;
    this.say();
    this.checkSoon();
  }

  say() {
    this.fields = this.read();
    this.sentence.textContent = ruleWords(this.fields, this.home);
    this.maxRow.hidden = !['queued', 'parallel'].includes(this.mode.value);
  }

  // The hub reads along.

  checkSoon() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.check(), QUIET_MS);
  }

  async check() {
    this.checks += 1;
    const [number, isByText] = [this.checks, this.isByText];
    const given = isByText ? { text: this.text.value } : { fields: this.fields };
    try {
      const told = await send('POST', 'automations/check', { ...given, ...(this.known ? { replaces: this.known.id } : {}) });
      if (number !== this.checks) return;
      if (!isByText) this.text.value = told.text;
      else if (told.fields) { this.fields = { ...this.fields, ...told.fields }; this.fill(); }
      this.faults = told.faults;
      this.remark(told);
    } catch (err) {
      if (number === this.checks) this.told.textContent = err.message;
    }
  }

  remark({ faults, warnings }) {
    this.nameWrong.textContent = '';
    for (const part of this.parts) for (const row of part.rows) row.wrong.textContent = '';
    const loose = [];
    for (const each of [...faults, ...warnings.map((warning) => ({ ...warning, isWarning: true }))]) {
      const place = this.placeOf(each.path);
      const words = each.isWarning ? each.text : t('{what} (line {line})', { what: each.text, line: each.line });
      // A name that was not given yet is missed when it is saved.
      if (each.path === 'name') this.nameWrong.textContent = this.name.value ? each.text : '';
      else if (place && !each.isWarning && place.isNew) place.isNew = false;
      else if (place) place.wrong.textContent = [place.wrong.textContent, words].filter(Boolean).join(' ');
      else loose.push(make('li', { className: each.isWarning ? '' : 'bad', text: each.path ? `${each.path}: ${words}` : words }));
    }
    this.remarks.replaceChildren(...loose);
  }

  placeOf(path) {
    const [column, index] = (path ?? '').split('/');
    return this.parts.find((part) => part.column === column)?.rows[Number(index)];
  }

  async replay() {
    this.past.replaceChildren(make('p', { className: 'told', role: 'status', text: t('Looking at the past day …') }));
    try {
      this.past.replaceChildren(...replayed(await send('POST', 'replay', { fields: { ...this.fields, name: this.fields.name || t('New automation') }, since: '1d' }), this.home));
    } catch (err) {
      this.past.replaceChildren(make('p', { className: 'told bad', role: 'status', text: err.message }));
    }
  }

  // Saving.

  async save() {
    this.told.textContent = '';
    if (!this.isByText && !this.name.value.trim()) { this.nameWrong.textContent = t('An automation needs a name.'); this.name.focus(); return; }
    if (this.known && !this.isTouched) { this.close(); return; }
    await this.work(async () => {
      const given = this.isByText ? { text: this.text.value } : { fields: this.read() };
      const kept = this.known ? await send('PUT', path(this.known), { ...given, expected: this.known.revision }) : await send('POST', 'automations', given);
      this.close();
      this.done(this.known ? t('“{name}” is changed.', { name: kept.name }) : t('“{name}” is made.', { name: kept.name }), kept.id, Boolean(this.known));
    });
  }

  async work(act) {
    if (this.dialog.hasAttribute('aria-busy')) return;
    this.dialog.setAttribute('aria-busy', 'true');
    // What was still read along would wipe away what the hub says to this.
    clearTimeout(this.soon);
    this.checks += 1;
    try {
      await act();
    } catch (err) {
      if (err.code === 'changed_meanwhile') await this.showBoth(err.message);
      else this.blame(err.field, err.message);
    } finally {
      this.dialog.removeAttribute('aria-busy');
    }
  }

  blame(where, words) {
    const row = this.placeOf(where);
    if (where === 'name') { this.nameWrong.textContent = words; this.name.focus(); }
    else if (row) { row.wrong.textContent = words; row.element.querySelector('select, input, textarea')?.focus(); }
    else this.told.textContent = words;
  }

  // Somebody else was faster: both stand side by side, and nothing is lost.
  async showBoth(words) {
    const theirs = await api(`${path(this.known)}/definition`);
    const mine = await send('POST', 'automations/check', this.isByText ? { text: this.text.value, replaces: this.known.id } : { fields: this.read(), replaces: this.known.id });
    const side = (title, rule, text) => make('div', { className: 'side' }, make('b', { text: title }), make('p', { text: ruleWords(rule, this.home) }), make('details', {}, make('summary', { text: t('As text') }), make('pre', { className: 'code', text, tabindex: '0' })));
    const keepMine = button(t('Save mine'), () => { this.known = { ...this.known, revision: theirs.revision }; both.remove(); this.save(); }, 'main');
    const takeTheirs = button(t('Go on with theirs'), () => { this.known = theirs; this.fields = structuredClone(theirs.fields); this.isTouched = this.isByText = false; both.remove(); this.told.textContent = ''; this.fill(); this.check(); this.title.focus(); }, 'less');
    const both = make('section', { className: 'both', 'aria-label': t('Both versions'), tabindex: '-1' }, make('p', { className: 'wrong', role: 'alert', text: words }), make('div', { className: 'sides' }, side(t('Yours'), mine.fields ?? this.fields, mine.text), side(t('As it is now'), theirs.fields, theirs.text ?? '')), make('p', { className: 'choices' }, keepMine, takeTheirs));
    this.dialog.querySelector('.both')?.remove();
    this.body.append(both);
    both.focus();
    both.scrollIntoView({ block: 'nearest' });
  }

  leave() {
    if (!this.isTouched || this.isWarned) { this.close(); return; }
    this.isWarned = true;
    this.told.textContent = t('What you changed is not saved. Once more leaves without saving.');
  }

  close() { this.dialog.close(); }

  // Earlier versions, a copy, and putting it away.

  earlier() {
    const versions = make('ol', { className: 'earlier' });
    const details = make('details', { className: 'all' }, make('summary', { text: t('Earlier versions') }), versions);
    details.addEventListener('toggle', () => { if (details.open) this.work(async () => this.showEarlier(versions, await api(`definitions/automation/${this.known.id}/history`))); });
    return details;
  }

  showEarlier(versions, changes) {
    versions.replaceChildren(...changes.map((each) => make('li', {}, make('span', {}, `${each.origin === 'cloud' ? t('changed in the cloud') : t('changed here')}, `, timeElement(each.at)),
      ...(each.before ? [make('p', { className: 'because', text: ruleWords(each.before, this.home) }), button(t('Back to this'), () => this.work(async () => {
        await send('POST', `definitions/automation/${this.known.id}/undo`, { entry: each.entry });
        this.close();
        this.done(t('“{name}” is as it was before.', { name: this.known.name }), this.known.id, true);
      }), 'less', t('Back to: {what}', { what: ruleWords(each.before, this.home) }))] : []))));
    if (!changes.length) versions.replaceChildren(make('li', { text: t('It has not been changed as far as this hub knows.') }));
  }

  putAway() {
    const copy = button(t('Make a copy'), () => {
      const fields = { ...this.read(), name: t('{name} (copy)', { name: this.name.value }) };
      delete fields.metadata.imported_from;
      this.close();
      openAutomationEditor(null, this.home, this.done, fields);
    }, 'less');
    const remove = button(t('Delete'), () => this.work(async () => {
      await api(`${path(this.known)}?expected=${this.known.revision}`, { method: 'DELETE' });
      this.close();
      this.done(t('“{name}” is deleted.', { name: this.known.name }), this.known.id, true);
    }), 'less danger', t('Delete “{name}”', { name: this.known.name }));
    return make('p', { className: 'choices' }, copy, remove);
  }
}

const path = (known) => `automations/${encodeURIComponent(known.id)}`;

// A step by itself: what is called, for whom.
async function tried(item) {
  if (!item.action) throw new Error(t('Only what is done with devices, scenes and notices can be tried by itself.'));
  const answer = await send('POST', 'call', { action: item.action, target: list(item.target?.entity_id), data: item.data ?? {} });
  const failed = (answer.commands ?? []).find((each) => ['failed', 'expired', 'unconfirmed'].includes(each.outcome));
  if (failed) throw new Error(failed.error ?? t('The device did not answer.'));
}

function button(text, act, className, label) {
  const made = make('button', { type: 'button', className, text, ...(label ? { 'aria-label': label } : {}) });
  made.addEventListener('click', act);
  return made;
}
