// The home's security: its grade, what is open and what to do about it, who was refused too often, who may come in.
import { fromHub, t, tn } from './language.js';
import { ago, make } from './words.js';

const RANKS = { critical: t('Critical'), high: t('Serious'), medium: t('Worth mending'), low: t('Small'), info: t('Good to know') };
const VERDICTS = { allow: t('lets in'), deny: t('keeps out'), alert: t('tells of') };
const TOLD = ['home_exposed', 'security_incident', 'security_noted', 'access_rule_not_enforced'];
const isMinor = (each) => each.rank === 'low' || each.rank === 'info';

// A weakness has a rank, an incident a severity; both say what to do.
function card(of) {
  const title = make('b');
  const about = make('small');
  const text = make('p');
  const advice = make('p', { className: 'advice' });
  const box = make('div', { className: 'card', role: 'group' }, title, ' ', about, text, advice);
  box.show = (now) => {
    title.textContent = fromHub(now.title);
    box.setAttribute('aria-label', fromHub(now.title));
    about.textContent = `${now.rank ? RANKS[now.rank] : t('last {when}', { when: ago(now.last_at) })} · ${t('since {when}', { when: ago(now.since) })}`;
    text.textContent = fromHub(now.text);
    advice.textContent = fromHub(now.advice);
  };
  box.show(of);
  return box;
}

function line(of, words) {
  const item = make('li');
  item.show = (now) => { item.textContent = words(now); };
  item.show(of);
  return item;
}

const minorWords = (each) => `${fromHub(each.title)}. ${fromHub(each.text)} ${fromHub(each.advice)}`;
const ruleWords = (each) => `“${each.name}” ${VERDICTS[each.verdict] ?? each.verdict}: ${each.is_enforced ? tn('in force, {count} time so far', 'in force, {count} times so far', each.hit_count) : t('not enforced, {reason}', { reason: fromHub(each.reason) })}`;

export function securityPart({ send, keep, changed }) {
  const $ = (name) => document.getElementById(`security-${name}`);

  $('scan').addEventListener('click', async () => {
    $('told').className = 'told';
    $('told').textContent = t('The hub looks at its devices, one after another. That takes some minutes.');
    try {
      await send('POST', 'security/scan');
    } catch (err) {
      $('told').className = 'told bad';
      $('told').textContent = err.message;
    }
    changed();
  });

  return {
    tells: (issue) => TOLD.includes(issue.code),
    show(now) {
      $('unknown').hidden = true;
      $('more').hidden = false;
      const { last, is_on: isOn, is_running: isRunning } = now.scans;
      const minor = now.vulnerabilities.filter(isMinor);
      $('grade').textContent = now.grade ? t('Grade {grade}', { grade: now.grade }) : isOn ? t('not looked at yet') : t('looking is switched off');
      keep($('wrong'), [...now.vulnerabilities.filter((each) => !isMinor(each)), ...now.incidents], (each) => each.id, card);
      const failed = last?.status === 'failed' ? t('The last look failed: {error}', { error: fromHub(last.error) ?? t('it did not come to its end') }) : '';
      const looked = last ? failed || tn('Looked at {count} device {when}', 'Looked at {count} devices {when}', last.devices, { when: ago(last.ended_at) }) : t('How it stands');
      $('more').querySelector('summary').textContent = [looked, minor.length && tn('{count} small thing', '{count} small things', minor.length), now.rules.length && tn('{count} access rule', '{count} access rules', now.rules.length)].filter(Boolean).join(' · ');
      keep($('minor'), minor, (each) => each.id, (each) => line(each, minorWords));
      keep($('rules'), now.rules, (each) => each.id, (each) => line(each, ruleWords));
      $('rules-title').hidden = now.rules.length === 0;
      $('scan').hidden = !isOn;
      $('scan').disabled = isRunning;
      if (!isRunning && !$('told').classList.contains('bad')) $('told').textContent = '';
    },
  };
}
