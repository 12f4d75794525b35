// Lists of elements that follow lists of things.
import { make } from './words.js';

// Keeps a list of elements as the things are: the same thing keeps its element, and nothing moves that stands right.
export function keep(container, things, keyOf, create) {
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
  }
  while (next) { const gone = next; next = next.nextElementSibling; gone.remove(); }
  for (const left of known.values()) left.remove();
}

export function keepOrSay(container, things, keyOf, create, nothing, tag = 'p') {
  if (things.length === 0) container.replaceChildren(make(tag, { className: 'card empty', text: nothing }));
  else keep(container, things, keyOf, create);
}
