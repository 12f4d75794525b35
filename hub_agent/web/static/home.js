// What the page knows of the home. Views read it; it is read anew when devices or rooms have changed.
import { api } from './api.js';

export const home = { name: '', may: 'configure', safeMode: null, devices: new Map(), rooms: [], places: new Map(), cloud: null, lost: [], find: (entityId) => home.places.get(entityId) };

export async function readHome() {
  const [status, rooms, devices, me] = await Promise.all(['status', 'rooms', 'devices', 'access/me'].map((path) => api(path)));
  home.may = document.body.dataset.may = me.scope;
  home.name = status.home.name;
  home.rooms = rooms;
  home.cloud = status.cloud;
  home.safeMode = status.safe_mode;
  home.devices = new Map(devices.map((device) => [device.id, device]));
  home.places = new Map(devices.flatMap((device) => device.entities.map((entity) => [entity.id, { device, entity }])));
}

// What this browser was let in for: each has what those before it have. An element with `data-needs` is there for those alone who may use it (page.css).
const SCOPES = ['view', 'control', 'configure'];
export const may = (scope) => SCOPES.indexOf(home.may) >= SCOPES.indexOf(scope);

// A live change; answers the device that has changed, if it is known here.
export function changeState(change) {
  const place = home.places.get(change.entity_id);
  if (!place) return null;
  place.entity.state = change.state ?? 'unknown';
  place.entity.attributes = change.attributes ?? {};
  return place.device;
}
