// Editing a scene, or making one of how a room is now. Nothing is changed before it is saved, and only what was changed is sent.
import { ICONS, icon, iconName } from './icons.js';
import { t } from './language.js';
import { entityName, make, plain, timeElement } from './words.js';
import { canBeWished, isSame, readWish, wishControls, wishOfNow } from './wishes.js';

const WHOLE_HOME = '';
const COLUMNS = { name: t('name'), icon: t('icon'), description: t('description'), device_states: t('what the devices do'), room_id: t('room'), is_favorite: t('favourite') };
// What a scene of a room begins with: what is pressed for, not how the equipment is set up.
const BEGINS_WITH = new Set(['light', 'switch', 'fan', 'cover', 'climate']);

let numbered = 0;

// `scene`: {id, fields} or null for a new one. `doing`: {save(body), remove(), history(), undo(entry)}, each a promise. `home`: {devices, rooms}.
export function openEditor(scene, home, doing) {
  const editor = new Editor(scene, home, doing);
  document.body.append(editor.dialog);
  editor.dialog.showModal();
  (scene ? editor.title : editor.name.control).focus();
}

class Editor {
  constructor(scene, home, doing) {
    Object.assign(this, { scene, home, doing, wishes: new Map(), first: new Map(), isTouched: false, isWarned: false });
    this.entities = new Map([...home.devices.values()].flatMap((device) => device.entities.map((entity) => [entity.id, { device, entity }])));
    this.build(scene?.fields ?? {});
    if (scene) this.takeIn(scene.fields.device_states);
    else this.fill();
    this.before = this.plain();
  }

  build(fields) {
    const title = this.title = make('h2', { id: 'editor-title', tabindex: '-1', text: this.scene ? t('Edit “{name}”', { name: fields.name }) : t('New scene') });
    this.name = field(t('Name'), make('input', { type: 'text', maxlength: '200', required: '', autocomplete: 'off', value: fields.name ?? '' }));
    this.room = field(this.scene ? t('Room') : t('Room, as it is now'), this.roomSelect(fields.room_id));
    this.description = field(t('Description'), make('textarea', { maxlength: '2000', rows: '2' }));
    this.description.control.value = fields.description ?? '';
    this.icons = this.iconChoice(fields.icon);
    this.list = make('div', { className: 'wishes' });
    this.told = make('p', { className: 'told', role: 'alert' });
    this.save = make('button', { type: 'submit', className: 'main', text: this.scene ? t('Save') : t('Save as scene') });
    const cancel = button(t('Cancel'), () => this.leave(), 'less');
    const form = make('form', { novalidate: '' },
      make('header', {}, title, button('×', () => this.leave(), 'cross', t('Close'))),
      make('div', { className: 'body' },
        ...(this.scene ? [] : [make('p', { className: 'because', text: t('Set the room as it should be, then save it here as a scene.') })]),
        this.name.element, this.room.element, this.icons, this.description.element,
        make('h3', { text: t('What the devices do') }), this.nowRow(), this.list, this.addRow(),
        ...(this.scene ? [this.earlier(), this.deletion(fields.name)] : [])),
      make('footer', {}, this.told, this.save, cancel));
    form.addEventListener('submit', (event) => { event.preventDefault(); this.send(); });
    form.addEventListener('input', () => { this.isWarned = false; });
    this.dialog = make('dialog', { className: 'editor', 'aria-labelledby': title.id }, form);
    this.dialog.addEventListener('cancel', (event) => { event.preventDefault(); this.leave(); });
    this.dialog.addEventListener('close', () => this.dialog.remove());
  }

  roomSelect(roomId) {
    const select = make('select', {}, new Option(this.scene ? t('none') : t('the whole home'), WHOLE_HOME), ...this.home.rooms.map((room) => new Option(room.name, room.id)));
    select.value = this.scene ? roomId ?? WHOLE_HOME : this.home.rooms[0]?.id ?? WHOLE_HOME;
    if (!this.scene) select.addEventListener('change', () => { if (!this.isTouched) this.fill(); });
    return select;
  }

  iconChoice(stored) {
    this.storedIcon = stored ?? null;
    const shown = iconName(stored);
    const choices = [{ name: '', label: t('No icon') }, ...ICONS].map(({ name, label }) => {
      const radio = make('input', { type: 'radio', name: 'icon', value: name, 'aria-label': label });
      radio.checked = name === (shown ?? '');
      return make('label', { title: label }, radio, icon(name) ?? make('span', { text: '–', 'aria-hidden': 'true' }));
    });
    return make('fieldset', { className: 'icons' }, make('legend', { text: t('Icon') }), ...choices);
  }

  nowRow() {
    return make('p', { className: 'choices' }, button(t('Take how they all are now'), () => { for (const id of this.wishes.keys()) this.takeNow(id); }, 'less'));
  }

  addRow() {
    this.adding = make('select', { 'aria-label': t('What to add') });
    const add = button(t('Add'), () => this.add(this.adding.value), 'less');
    this.none = make('p', { className: 'wrong', role: 'alert' });
    return make('div', {}, make('p', { className: 'choices' }, this.adding, add), this.none);
  }

  showAddable() {
    const devices = [...this.home.devices.values()];
    const rooms = [...this.home.rooms, { id: null, name: t('Not in a room') }];
    const known = new Set(this.home.rooms.map((room) => room.id));
    this.adding.replaceChildren(new Option(t('Add a device …'), ''), ...rooms.flatMap((room) => {
      const inRoom = devices.filter((device) => (known.has(device.room_id) ? device.room_id : null) === room.id);
      const options = inRoom.flatMap((device) => device.entities.filter((entity) => canBeWished(entity) && !this.wishes.has(entity.id)).map((entity) => new Option(entityName(device, entity), entity.id)));
      if (!options.length) return [];
      return [make('optgroup', { label: room.name }, ...(room.id && options.length > 1 ? [new Option(t('Everything in {room}', { room: room.name }), `room ${room.id}`)] : []), ...options)];
    }));
  }

  // What the scene wants.

  takeIn(states) {
    for (const each of states ?? []) {
      for (const [id, stored] of Object.entries(each?.desired_state ?? {})) {
        this.first.set(id, readWish(stored));
        this.put(id, readWish(stored));
      }
    }
    this.showAddable();
  }

  fill() {
    this.wishes.clear();
    this.list.replaceChildren();
    this.addRoom(this.room.control.value || null);
  }

  addRoom(roomId) {
    const added = [...this.entities.values()].filter(({ device, entity }) => (!roomId || device.room_id === roomId) && canBeWished(entity) && BEGINS_WITH.has(entity.domain) && !this.wishes.has(entity.id));
    for (const { entity } of added) {
      const wish = wishOfNow(entity);
      if (wish) this.put(entity.id, wish);
    }
    this.none.textContent = this.wishes.size ? '' : t('Nothing here says how it is that a scene could set. Add a device.');
    this.showAddable();
  }

  add(chosen) {
    if (!chosen) { this.adding.focus(); return; }
    this.isTouched = true;
    if (chosen.startsWith('room ')) this.addRoom(chosen.slice(5));
    else this.put(chosen, wishOfNow((this.home.find(chosen) ?? this.entities.get(chosen)).entity) ?? { state: 'on', attributes: {} });
    this.none.textContent = '';
    this.showAddable();
    this.list.lastElementChild?.querySelector('input, select, button')?.focus();
  }

  put(id, wish) {
    this.wishes.set(id, wish);
    const place = this.entities.get(id);
    const spoken = place ? entityName(place.device, place.entity) : id;
    const room = this.home.rooms.find((each) => each.id === place?.device.room_id)?.name ?? '';
    const wrong = make('p', { className: 'wrong', role: 'alert' });
    const box = make('fieldset', { className: 'wish card', 'data-entity': id },
      make('legend', {}, make('b', { text: spoken }), ' ', make('small', { text: place ? room : t('not in this home') })),
      ...(place ? [wishControls(place.entity, wish, spoken, () => { this.isTouched = true; wrong.textContent = ''; })] : [make('p', { text: wish.state })]),
      wrong,
      make('p', { className: 'choices' }, ...(place ? [button(t('As it is now'), () => this.takeNow(id), 'less', `${spoken}: ${t('As it is now')}`)] : []), button(t('Leave out'), () => this.drop(id), 'less', `${spoken}: ${t('Leave out')}`)));
    const known = this.boxOf(id);
    if (known) known.replaceWith(box);
    else this.list.append(box);
  }

  boxOf(id) {
    return [...this.list.children].find((each) => each.dataset.entity === id);
  }

  takeNow(id) {
    this.isTouched = true;
    const place = this.home.find(id) ?? this.entities.get(id);
    const wish = place && wishOfNow(place.entity);
    if (wish) this.put(id, wish);
    else this.boxOf(id).querySelector('.wrong').textContent = t('It does not say how it is just now; what was here stays.');
  }

  drop(id) {
    const box = this.boxOf(id);
    const next = box.nextElementSibling ?? box.previousElementSibling;
    this.isTouched = true;
    this.wishes.delete(id);
    box.remove();
    this.showAddable();
    (next?.querySelector('button') ?? this.adding).focus();
  }

  // Saving.

  plain() {
    return { name: this.name.control.value.trim(), description: this.description.control.value.trim() || null, room_id: this.room.control.value || null, icon: this.chosenIcon() };
  }

  chosenIcon() {
    const chosen = this.icons.querySelector('input:checked')?.value ?? '';
    return chosen === (iconName(this.storedIcon) ?? '') ? this.storedIcon : chosen || null;
  }

  changes() {
    const now = this.plain();
    const body = Object.fromEntries(Object.entries(now).filter(([column, value]) => !this.scene || value !== this.before[column]));
    const desired = {};
    for (const [id, wish] of this.wishes) if (!isSame(wish, this.first.get(id))) desired[id] = { state: wish.state, attributes: wish.state === 'off' ? {} : wish.attributes };
    for (const id of this.first.keys()) if (!this.wishes.has(id)) desired[id] = null;
    return Object.keys(desired).length ? { ...body, desired } : body;
  }

  async send() {
    this.clear();
    if (!this.plain().name) return this.blame('name', t('A scene needs a name.'));
    const wrong = [...this.list.querySelectorAll('input')].find((each) => !each.validity.valid);
    if (wrong) return this.blame(`desired/${wrong.closest('fieldset').dataset.entity}`, wrong.validationMessage);
    if (!this.scene && !this.wishes.size) return this.blame('desired', t('A scene needs a device. Add one.'));
    const body = this.changes();
    if (this.scene && !Object.keys(body).length) return this.close();
    return this.work(async () => { await this.doing.save(body); this.close(); });
  }

  async work(act) {
    if (this.dialog.hasAttribute('aria-busy')) return;
    this.dialog.setAttribute('aria-busy', 'true');
    this.told.textContent = '';
    try {
      await act();
    } catch (err) {
      this.blame(err.field, err.message);
    } finally {
      this.dialog.removeAttribute('aria-busy');
    }
  }

  clear() {
    this.told.textContent = this.none.textContent = '';
    for (const each of [this.name, this.room, this.description]) each.wrong('');
    for (const each of this.list.querySelectorAll('.wrong')) each.textContent = '';
  }

  // What is wrong is said beside what is to blame, and that has the focus.
  blame(where, words) {
    const box = where?.startsWith('desired/') && this.boxOf(where.slice(8));
    const known = { name: this.name, room_id: this.room, description: this.description }[where];
    if (box) { box.querySelector('.wrong').textContent = words; box.querySelector('input, select, button').focus(); }
    else if (known) { known.wrong(words); known.control.focus(); }
    else if (where === 'desired') { this.none.textContent = words; this.adding.focus(); }
    else this.told.textContent = words;
  }

  leave() {
    const isChanged = this.isTouched || JSON.stringify(this.plain()) !== JSON.stringify(this.before);
    if (!isChanged || this.isWarned || (!this.scene && !this.plain().name)) { this.close(); return; }
    this.isWarned = true;
    this.told.textContent = t('What you changed is not saved. Once more leaves without saving.');
  }

  close() { this.dialog.close(); }

  // Earlier versions, and deleting.

  earlier() {
    const list = make('ol', { className: 'earlier' });
    const details = make('details', { className: 'all' }, make('summary', { text: t('Earlier versions') }), list);
    details.addEventListener('toggle', () => { if (details.open) this.work(async () => this.showEarlier(list, await this.doing.history())); });
    return details;
  }

  showEarlier(list, changes) {
    list.replaceChildren(...changes.map((each) => {
      const columns = each.columns.map((column) => COLUMNS[column] ?? column.replaceAll('_', ' ')).join(', ');
      const what = each.change === 'changed' ? t('{columns} changed', { columns }) : plain(each.change);
      const back = each.before ? [button(t('Back to before this'), () => this.work(async () => { await this.doing.undo(each.entry); this.close(); }), 'less', `${t('Back to before this')}: ${what}`)] : [];
      return make('li', {}, make('span', {}, `${each.origin === 'cloud' ? t('{what} in the cloud', { what }) : t('{what} here', { what })}, `, timeElement(each.at)), ...back);
    }));
    if (!changes.length) list.replaceChildren(make('li', { text: t('It has not been changed as far as this hub knows.') }));
  }

  deletion(name) {
    const asked = make('div', { className: 'choices', role: 'group', 'aria-label': t('Delete it?') });
    const ask = () => {
      const really = button(t('Delete it'), () => this.work(async () => { await this.doing.remove(); this.close(); }), 'danger');
      asked.replaceChildren(make('span', { text: t('Delete “{name}”, here and in the cloud?', { name }) }), really, button(t('Keep it'), calm, 'less'));
      really.focus();
    };
    const first = button(t('Delete this scene …'), ask, 'less danger');
    const calm = () => { asked.replaceChildren(first); first.focus(); };
    asked.replaceChildren(first);
    return asked;
  }
}

function button(text, act, className, label) {
  const made = make('button', { type: 'button', className, text, ...(label ? { 'aria-label': label } : {}) });
  made.addEventListener('click', act);
  return made;
}

// A control with its label, and a place beside it for what is wrong with it.
function field(text, control) {
  numbered += 1;
  control.id = `field-${numbered}`;
  const told = make('p', { className: 'wrong', id: `field-${numbered}-wrong`, role: 'alert' });
  const wrong = (words) => {
    told.textContent = words;
    control.toggleAttribute('aria-invalid', Boolean(words));
    if (words) { control.setAttribute('aria-invalid', 'true'); control.setAttribute('aria-describedby', told.id); }
    else control.removeAttribute('aria-describedby');
  };
  control.addEventListener('input', () => wrong(''));
  return { control, wrong, element: make('div', { className: 'field' }, make('label', { for: control.id, text }), control, told) };
}
