// The page's words. English is what stands in the code, and the key; `languages/<code>.json` has it in another language. What is missing there is said in English.
export const LANGUAGES = { en: 'English', de: 'Deutsch' };
const CHOSEN = 'language';

// The one that was chosen here, else the first of the browser's that there is.
function chosen() {
  const wished = [kept(), ...(navigator.languages ?? [])].filter(Boolean);
  return wished.map((each) => each.toLowerCase().split('-')[0]).find((each) => each in LANGUAGES) ?? 'en';
}

function kept() {
  try { return localStorage.getItem(CHOSEN); } catch { return null; }
}

async function read(code) {
  if (code.endsWith('en')) return {};
  try {
    const answer = await fetch(new URL(`languages/${code}.json`, import.meta.url));
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}

export const language = chosen();
// Numbers and dates: as the browser's own region writes that language, where it has one.
export const locale = navigator.languages?.find((each) => each.toLowerCase().startsWith(language)) ?? language;
// Modules that import this one begin when the words are there: `t` may stand in their constants.
const [words, ofHub] = await Promise.all([read(language), read(`hub.${language}`)]);
// A sentence that stands behind another has a space before it there.
const hubs = Object.fromEntries(Object.entries(ofHub).map(([key, text]) => [key.trim(), text.trim()]));
// Made when they are first needed, for each takes a slow phone longer than all else at the start; and kept, for the same reason.
let plurals;
const formats = new Map();
document.documentElement.lang = language;

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

// t('{name} is on', { name }): the first argument is always the English text itself, so that it is found.
export function t(text, values = {}) {
  const said = words[text] ?? text;
  return filled(typeof said === 'string' ? said : said.other, values);
}

// tn('{count} device', '{count} devices', count): in the file the second is the key, of {"one": …, "other": …} as the language needs.
export function tn(one, other, count, values = {}) {
  const said = words[other];
  const form = () => { plurals ??= new Intl.PluralRules(locale); return plurals.select(count); };
  const text = said === undefined ? (count === 1 ? one : other) : typeof said === 'string' ? said : said[form()] ?? said.other;
  return filled(text, { count: number(count), ...values });
}

// What the hub says comes in English. `languages/hub.<code>.json` has its sentences, with the same {places} for what is filled in; others stay as they are.
const patterns = Object.keys(hubs).filter((key) => key.includes('{')).map((key) => {
  const escaped = key.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return { key, names: [...key.matchAll(/\{(\w+)\}/g)].map(([, name]) => name), is: new RegExp(`^${escaped.join('(.*?)')}$`, 's'), fixed: escaped.join('').length };
}).sort((one, other) => other.fixed - one.fixed);

const SPAN = /^(\d+) (second|minute|hour|day)s?$/;
const lowered = (text) => text.charAt(0).toLowerCase() + text.slice(1);
const raised = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// What fills these places are words of the hub again, alone or several with commas between. What people and makers called something never is.
const NESTED = new Set(['advice', 'asked', 'at', 'count', 'finding', 'hint', 'how_long', 'issue', 'left_out', 'level', 'message', 'near', 'power', 'reason', 'reasons', 'remedy', 'side', 'since', 'source', 'text', 'time', 'times', 'title', 'titles', 'told', 'until', 'usual', 'version', 'what', 'when', 'word', 'words']);
const listed = (part) => (Object.hasOwn(hubs, part) ? hubs[part] : part.startsWith(', ') ? `, ${fromHub(part.slice(2))}` : fromHub(part));

function nested(text) {
  const whole = fromHub(text);
  return whole === text ? text.split(/(?=, )/).map(listed).join('') : whole;
}

// One text may be several sentences, or a few words that begin one.
export function fromHub(text) {
  if (language === 'en' || typeof text !== 'string' || text === '') return text;
  if (text.startsWith(' ')) return ` ${fromHub(text.trim())}`;
  if (Object.hasOwn(hubs, text)) return hubs[text];
  if (Object.hasOwn(hubs, lowered(text))) return raised(hubs[lowered(text)]);
  const [, count, unit] = SPAN.exec(text) ?? [];
  if (unit) return number(Number(count), { style: 'unit', unit, unitDisplay: 'long' });
  const sentences = text.split(/(?<=[.?!]) (?=\p{Lu})/u);
  for (const { key, names, is, fixed } of patterns) {
    const found = is.exec(text) ?? (text === lowered(text) ? null : is.exec(lowered(text)));
    // Of two sentences a short pattern would take most for one filling.
    if (found && (sentences.length === 1 || fixed > text.length / 3)) return filled(hubs[key], Object.fromEntries(names.map((name, at) => [name, NESTED.has(name) ? nested(found[at + 1]) : found[at + 1]])));
  }
  return sentences.length > 1 ? sentences.map(fromHub).join(' ') : text;
}

// The same where the hub tells its sentence and what fills it apart.
export const fromTemplate = (template, values) => filled(hubs[template] ?? template, values);

export function number(value, options) {
  const key = JSON.stringify(options) ?? '';
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale, options));
  return formats.get(key).format(value);
}

// The page begins anew in it. null: what the browser says.
export function chooseLanguage(code) {
  if (code) localStorage.setItem(CHOSEN, code);
  else localStorage.removeItem(CHOSEN);
  location.reload();
}

export const chosenLanguage = () => kept() ?? '';
