// The views of the page, in the order of the navigation. A new one: its line here, and a module beside with
//
//   export function view(container, { readSoon }) -> { reads, on, live, go }
//
// reads  {part: async () => …}: each is read when the view is seen, and again when something that it hangs on has changed. `home` is read by the
//        frame (home.js), before the others; here stands what is then to be drawn.
// on     {topic: [part, …]}: which parts are read anew when an event of that topic comes.
// live   {topic: (body) => …}: what an event is good for as it is, without reading. `state(change, device)` has the device that has changed.
// go     (rest) => …: what stands behind the slash of #automations/rest. readSoon([part, …]) reads parts of this view anew.
import { drawing } from './icons.js';
import { t } from './language.js';

const ICONS = {
  home: 'M4 11l8-7 8 7v9h-5v-6H9v6H4z',
  automations: 'M5 4h6v6H5zM13 14h6v6h-6zM8 10v4a3 3 0 0 0 3 3h2',
  energy: 'M13 3L5 14h6l-1 7 8-11h-6z',
  health: 'M3 12h4l2-6 4 12 2-6h6',
  activity: 'M12 4a8 8 0 1 1-7.4 5M4 4v5h5M12 8v4l3 2',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
};

export const VIEWS = [
  { name: 'home', title: t('Home'), load: () => import('./home_view.js') },
  { name: 'automations', title: t('Automations'), load: () => import('./automations_view.js') },
  { name: 'energy', title: t('Energy'), load: () => import('./energy_view.js') },
  { name: 'health', title: t('Health'), load: () => import('./health_view.js') },
  { name: 'activity', title: t('Activity'), load: () => import('./activity_view.js') },
  { name: 'settings', title: t('Settings'), load: () => import('./settings_view.js') },
].map((each) => ({ ...each, icon: () => drawing(ICONS[each.name]) }));
