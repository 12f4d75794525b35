// One trigger, condition or action in the editor: its words, its controls, and what can be done with it. What has no controls is shown as text.
import { t } from './language.js';
import { kindOf } from './rule_kinds.js';
import { capital, make } from './words.js';

let numbered = 0;

// `part` {kinds, words(item, home)}; `doing` {changed(), remove(row), move(row, by), tryOut(item) | undefined}.
export class Row {
  constructor(part, item, home, doing) {
    Object.assign(this, { part, item, home, doing, controls: [] });
    numbered += 1;
    this.legend = make('legend', {}, this.title = make('b'));
    this.body = make('div', { className: 'part-fields' });
    this.wrong = make('p', { className: 'wrong', role: 'alert', id: `part-${numbered}-wrong` });
    this.told = make('p', { className: 'told', role: 'status' });
    this.element = make('fieldset', { className: 'card part', 'aria-describedby': this.wrong.id }, this.legend, this.body, this.wrong, this.buttons(), this.told);
    this.build();
  }

  build() {
    const kind = kindOf(this.part.kinds, this.item);
    this.isText = !kind;
    this.controls = kind ? kind.fields(this) : [this.textControl()];
    this.body.replaceChildren(...this.controls.map((each) => each.element));
    this.say();
  }

  buttons() {
    const button = (text, label, act) => {
      const made = make('button', { type: 'button', className: 'less', text });
      made.label = label;
      made.addEventListener('click', act);
      return made;
    };
    this.acts = [
      button('↑', (words) => t('Earlier: {what}', { what: words }), () => this.doing.move(this, -1)),
      button('↓', (words) => t('Later: {what}', { what: words }), () => this.doing.move(this, 1)),
      ...(this.doing.tryOut ? [button(t('Try it'), (words) => t('Try it: {what}', { what: words }), () => this.tryOut())] : []),
      button(t('Remove'), (words) => t('Remove: {what}', { what: words }), () => this.doing.remove(this)),
    ];
    return make('p', { className: 'choices' }, ...this.acts);
  }

  // What a control has changed; undefined takes a key away.
  set(changes) {
    const given = typeof changes === 'function' ? changes(this.item) : changes;
    const now = { ...this.item, ...given };
    for (const [key, value] of Object.entries(now)) if (value === undefined) delete now[key];
    this.item = now;
    this.wrong.textContent = '';
    for (const each of this.controls) each.refresh?.();
    this.say();
    this.doing.changed();
  }

  say() {
    let words;
    try { words = capital(this.part.words(this.item, this.home)); } catch { words = t('not understood'); }
    this.title.textContent = words;
    for (const each of this.acts ?? []) each.setAttribute('aria-label', each.label(words));
  }

  // As JSON, which is a part of what the hub reads.
  textControl() {
    const area = make('textarea', { rows: Math.min(14, JSON.stringify(this.item, null, 2).split('\n').length), spellcheck: 'false', className: 'code', 'aria-label': t('As text') });
    area.value = JSON.stringify(this.item, null, 2);
    area.addEventListener('input', () => {
      try {
        this.item = JSON.parse(area.value);
        this.wrong.textContent = '';
        this.say();
        this.doing.changed();
      } catch (err) {
        this.wrong.textContent = t('This is not JSON: {why}', { why: err.message });
      }
    });
    return { element: make('div', {}, make('p', { className: 'because', text: t('There are no controls for this. It stays as it is, and can be changed as text.') }), area) };
  }

  async tryOut() {
    this.told.className = 'told';
    this.told.textContent = t('Trying …');
    try {
      await this.doing.tryOut(this.item);
      this.told.textContent = t('Done.');
    } catch (err) {
      this.told.className = 'told bad';
      this.told.textContent = err.message;
    }
  }
}
