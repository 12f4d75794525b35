// Bars, drawn by hand. For eyes a picture, for a keyboard one thing with arrow keys, for ears the words of the chosen bar.
import { t } from './language.js';
import { make } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 190;
const LEFT = 58;
const BELOW = 22;
const ABOVE = 8;

export function plot(id) {
  const picture = draw('svg', { height: HEIGHT + BELOW, 'aria-hidden': 'true' });
  const said = make('output', { id: `${id}-said`, className: 'soft' });
  const slider = make('div', { id, className: 'plot', tabindex: '0', role: 'slider', 'aria-orientation': 'horizontal', 'aria-valuemin': '1' }, picture);
  const element = make('div', {}, slider, said);
  let bars = [];
  let at = -1;
  let width = 340;
  let shown = null;
  // Drawn in the pixels that there are, so that its words are as large as others.
  new ResizeObserver(() => { if (shown && slider.clientWidth && slider.clientWidth !== width) show(shown); }).observe(slider);

  function choose(index) {
    at = Math.max(0, Math.min(bars.length - 1, index));
    for (const [place, group] of picture.querySelectorAll('g.bar').entries()) group.classList.toggle('chosen', place === at);
    said.textContent = bars[at]?.words ?? '';
    slider.setAttribute('aria-valuenow', at + 1);
    slider.setAttribute('aria-valuetext', said.textContent);
  }

  slider.addEventListener('keydown', (event) => {
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: bars.length - 1, PageDown: at - 6, PageUp: at + 6 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
  });
  picture.addEventListener('click', (event) => {
    choose(Math.floor(((event.clientX - picture.getBoundingClientRect().left - LEFT) / (width - LEFT)) * bars.length));
  });

  function show(now) {
    shown = now;
    width = slider.clientWidth || width;
    picture.setAttribute('viewBox', `0 0 ${width} ${HEIGHT + BELOW}`);
    drawBars(now);
  }

  function drawBars({ label, bars: now, unit }) {
    const isSame = now.length === bars.length;
    bars = now;
    slider.setAttribute('aria-label', label);
    slider.setAttribute('aria-valuemax', bars.length);
    const most = round(Math.max(1, ...bars.map((each) => each.value ?? 0)));
    const step = (width - LEFT) / Math.max(1, bars.length);
    const up = (value) => ((HEIGHT - ABOVE) * value) / most;
    const lines = [0, 0.5, 1].flatMap((part) => {
      const y = HEIGHT - up(most * part);
      const line = draw('line', { x1: LEFT, x2: width, y1: y, y2: y, class: 'line' });
      return [line, draw('text', { x: LEFT - 6, y: y + 4, class: 'scale', 'text-anchor': 'end' }, unit(most * part))];
    });
    const drawn = bars.map((bar, index) => {
      const x = LEFT + index * step;
      const wide = Math.max(1, step * 0.78);
      const group = draw('g', { class: 'bar' }, draw('rect', { x, y: 0, width: step, height: HEIGHT, class: 'behind' }));
      group.append(draw('rect', { x: x + (step - wide) / 2, y: HEIGHT - up(bar.value ?? 0), width: wide, height: up(bar.value ?? 0), rx: Math.min(3, wide / 4), class: bar.inner === null ? 'whole' : 'rest' }));
      if (bar.inner !== null) group.append(draw('rect', { x: x + (step - wide) / 2, y: HEIGHT - up(bar.inner), width: wide, height: up(bar.inner), rx: Math.min(3, wide / 4), class: 'whole' }));
      if (bar.tick) group.append(draw('text', { x: x + step / 2, y: HEIGHT + 16, class: 'scale', 'text-anchor': 'middle' }, bar.tick));
      return group;
    });
    picture.replaceChildren(...lines, ...drawn);
    const known = bars.findLastIndex((each) => each.value !== null);
    choose(isSame && at >= 0 ? at : known);
    if (bars.length === 0) said.textContent = t('not known');
  }

  return { element, show };
}

// The next round number above: 1, 2, 5, 10, 20 …
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= value);
}

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
