// What the page knows of the home. Views read it; it is read anew when devices or rooms have changed.
import { api } from './api.js';

export const home = { name: '', devices: new Map(), rooms: [], places: new Map(), cloud: null, lost: [], find: (entityId) => home.places.get(entityId) };

export async function readHome() {
  const [status, rooms, devices] = await Promise.all(['status', 'rooms', 'devices'].map((path) => api(path)));
  home.name = status.home.name;
  home.rooms = rooms;
  home.cloud = status.cloud;
  home.devices = new Map(devices.map((device) => [device.id, device]));
  home.places = new Map(devices.flatMap((device) => device.entities.map((entity) => [entity.id, { device, entity }])));
}

// A live change; answers the device that has changed, if it is known here.
export function changeState(change) {
  const place = home.places.get(change.entity_id);
  if (!place) return null;
  place.entity.state = change.state ?? 'unknown';
  place.entity.attributes = change.attributes ?? {};
  return place.device;
}
