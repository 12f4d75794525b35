// Lists of elements that follow lists of things.
import { make } from './words.js';

const SLICE_MS = 40;

// Keeps a list of elements as the things are: the same thing keeps its element, and nothing moves that stands right.
export function keep(container, things, keyOf, create) {
  for (const _ of keeping(container, things, keyOf, create));
}

// The same in steps, one a thing: between them the page may do something else.
export function* keeping(container, things, keyOf, create) {
  const known = new Map([...container.children].filter((child) => child.thing).map((child) => [child.thing, child]));
  let next = container.firstElementChild;
  for (const thing of things) {
    const key = keyOf(thing);
    let element = known.get(key);
    known.delete(key);
    if (element) element.show?.(thing);
    else { element = create(thing); element.thing = key; }
    if (element === next) next = next.nextElementSibling;
    else container.insertBefore(element, next);
    yield;
  }
  while (next) { const gone = next; next = next.nextElementSibling; gone.remove(); }
  for (const left of known.values()) left.remove();
}

export function keepOrSay(container, things, keyOf, create, nothing, tag = 'p') {
  if (things.length === 0) container.replaceChildren(make(tag, { className: 'card empty', text: nothing }));
  else keep(container, things, keyOf, create);
}

// Goes through the steps in short slices, between which the page paints and answers a touch. Ends early when it is not wanted any more.
export async function inSlices(steps, isWanted) {
  let ends = performance.now() + SLICE_MS;
  for (const _ of steps) {
    if (performance.now() < ends) continue;
    await new Promise((resolve) => { setTimeout(resolve); });
    if (!isWanted()) return;
    ends = performance.now() + SLICE_MS;
  }
}
