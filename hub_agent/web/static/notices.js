// What rules said to people: it stands until somebody has read it. And what people were told of, and is so still.
import { send } from './api.js';
import { fromHub, t } from './language.js';
import { keep } from './lists.js';
import { make, timeElement } from './words.js';

export function noticesPart(section, changed) {
  return {
    show(notices) {
      section.hidden = notices.length === 0;
      keep(section, notices, (notice) => notice.id, (notice) => noticeLine(notice, changed));
    },
  };
}

function noticeLine(notice, changed) {
  const title = make('b');
  const text = make('span', { className: 'said' });
  const dismiss = make('button', { text: t('Dismiss'), type: 'button', className: 'more', 'data-needs': 'control' });
  const line = make('div', { className: 'issue notice' }, title, text, dismiss);
  answering(dismiss, text, () => send('POST', 'call', { action: 'persistent_notification.dismiss', data: { notification_id: notice.id } }), changed);
  line.show = (now) => {
    title.textContent = now.title || t('Notice');
    text.replaceChildren(now.message, ' (', timeElement(now.created_at), ')');
  };
  line.show(notice);
  return line;
}

// What rules said stands among the notices.
export function alertsPart(section, changed) {
  return {
    show(alerts) {
      const told = alerts.filter((alert) => !alert.is_notice);
      section.hidden = told.length === 0;
      keep(section, told, (alert) => alert.id, (alert) => alertLine(alert, changed));
    },
  };
}

function alertLine(alert, changed) {
  const title = make('b');
  const text = make('span', { className: 'said' });
  const known = make('button', { text: t('I know'), type: 'button', className: 'more', 'data-needs': 'control' });
  const dismiss = make('button', { text: t('Dismiss'), type: 'button', className: 'more', 'data-needs': 'control' });
  const line = make('div', {}, title, text, known, dismiss);
  answering(known, text, () => send('POST', `alerts/${alert.id}`, { answer: 'acknowledge' }), changed);
  answering(dismiss, text, () => send('POST', `alerts/${alert.id}`, { answer: 'dismiss' }), changed);
  line.show = (now) => {
    line.className = `issue notice ${now.severity}`;
    title.textContent = fromHub(now.title);
    text.replaceChildren(fromHub(now.message), ' (', timeElement(now.time), ')');
    known.hidden = now.status === 'acknowledged';
  };
  line.show(alert);
  return line;
}

function answering(button, text, act, changed) {
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await act();
      changed();
    } catch (err) {
      text.textContent = err.message;
      button.disabled = false;
    }
  });
}
