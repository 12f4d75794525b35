// Icons of scenes: what is stored is a name of the Material set; the drawings are our own.
import { t } from './language.js';

const DRAWN = {
  bedtime: [t('Moon'), 'M20 14.5A8.5 8.5 0 1 1 9.5 4 7 7 0 0 0 20 14.5z'],
  sunny: [t('Sun'), 'M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4'],
  wb_twilight: [t('Sunset'), 'M3 18h18M7 18a5 5 0 0 1 10 0M12 5v4M5 9l2 2M19 9l-2 2'],
  light: [t('Lamp'), 'M9.5 18h5M10.5 21h3M12 3a6 6 0 0 0-3.5 10.9c.6.5 1 1.2 1 2.1h5c0-.9.4-1.6 1-2.1A6 6 0 0 0 12 3z'],
  movie: [t('Film'), 'M4 7h16v12H4zM4 11h16M9 7l-2 4M14 7l-2 4M19 7l-2 4'],
  restaurant: [t('Meal'), 'M7 3v7a2 2 0 0 0 4 0V3M9 3v18M17 3c-2 1-3 4-3 9h3V3zM17 12v9'],
  menu_book: [t('Book'), 'M12 6c-2-1.5-5-2-8-2v14c3 0 6 .5 8 2 2-1.5 5-2 8-2V4c-3 0-6 .5-8 2zM12 6v14'],
  music_note: [t('Music'), 'M9 18V5l10-2v13M9 18a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM19 16a3 3 0 1 1-6 0 3 3 0 0 1 6 0z'],
  celebration: [t('Star'), 'M12 3l2.7 5.6 6.1.8-4.5 4.2 1.1 6.1-5.4-2.9-5.4 2.9 1.1-6.1-4.5-4.2 6.1-.8z'],
  home: [t('House'), 'M4 11l8-7 8 7v9h-5v-6H9v6H4z'],
  logout: [t('Going out'), 'M10 4H5v16h5M15 8l4 4-4 4M19 12H9'],
  power: [t('Power'), 'M12 3v9M7 6.5a7.5 7.5 0 1 0 10 0'],
};
const ALSO = { 'weather-night': 'bedtime', moon: 'bedtime', sleep: 'bedtime', 'weather-sunny': 'sunny', sun: 'sunny', 'weather-sunset': 'wb_twilight', lightbulb: 'light', lamp: 'light', filmstrip: 'movie', 'movie-open': 'movie', 'silverware-fork-knife': 'restaurant', 'book-open-variant': 'menu_book', music: 'music_note', star: 'celebration', 'party-popper': 'celebration' };

export const ICONS = Object.entries(DRAWN).map(([name, [label]]) => ({ name, label }));

export function iconName(stored) {
  const plain = String(stored ?? '').replace(/^mdi:/, '');
  return plain in DRAWN ? plain : ALSO[plain] ?? null;
}

// An icon that is not drawn here is not shown: the scene's name says enough.
export function icon(stored) {
  const name = iconName(stored);
  return name && drawing(DRAWN[name][1]);
}

export function drawing(lines) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS(svg.namespaceURI, 'path');
  for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true' })) svg.setAttribute(key, value);
  path.setAttribute('d', lines);
  svg.append(path);
  return svg;
}
