// The hub's API: everything the page does goes through it.
import { fromHub, t } from './language.js';

export async function api(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}`, { ...options, headers: options.body ? { 'content-type': 'application/json' } : {} });
  } catch {
    throw new Error(t('The hub does not answer.'));
  }
  // Paired again, the browser is back where it was.
  if (answer.status === 401) location.assign(`/pair${location.hash}`);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error([fromHub(body.error?.message) ?? t('The hub answered {status}.', { status: answer.status }), fromHub(body.error?.hint)].filter(Boolean).join(' ')), { field: body.error?.field, code: body.error?.code, status: answer.status });
  return body;
}

export const send = (method, path, body = {}) => api(path, { method, body: JSON.stringify(body) });
