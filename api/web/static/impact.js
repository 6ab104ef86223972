// What a switching does, on a map for control: areas, lines, customers, and the devices by their role.
import { textNode, token } from "./ground.js";

const L = window.L;
const MOST_NAMES = 8;
const ROOM_FOR_NAMES_PX = 500;
const ROLES = { opened: "--off", closed: "--ok", cleared: "--warn", fault: "--warn", dead_source: "--off" };
const roleColor = (feature) => token(ROLES[feature.properties.role] ?? "--ink");

function tip(layer) {
  const { name, id, address } = layer.feature.properties;
  return textNode([name, id ?? layer.feature.properties.transformer, address].map((one) => (one == null ? "" : String(one))));
}

const mark = (feature, at) =>
  L.circleMarker(at, { radius: 8, weight: 3, color: token("--surface"), fillColor: roleColor(feature), fillOpacity: 1 });

// A device that is drawn as a line gets a mark in its middle; a few devices are named.
function markDevices(map, drawn, devices) {
  const named = devices.getLayers().length <= MOST_NAMES && map.getSize().x > ROOM_FOR_NAMES_PX;
  for (const [number, layer] of devices.getLayers().entries()) {
    const { name, id } = layer.feature.properties;
    const at = layer.getBounds?.().getCenter() ?? layer.getLatLng();
    const point = layer.getBounds ? mark(layer.feature, at).addTo(drawn) : layer;
    const left = number % 2 === 1; // neighbours are named on different sides
    point.bindTooltip(textNode([name || id]), {
      permanent: named,
      direction: left ? "left" : "right",
      offset: [left ? -8 : 8, 0],
      className: "device-name",
    });
  }
}

const LOOKS = {
  lines: () => ({ interactive: false, style: { color: token("--line-strong"), weight: 1.5 } }),
  areas: () => ({ style: { color: token("--off"), weight: 1.5, fillColor: token("--off"), fillOpacity: 0.2 } }),
  customers: () => ({
    pointToLayer: (_, at) => L.circleMarker(at, { radius: 3, weight: 0, fillColor: token("--off"), fillOpacity: 0.8 }),
  }),
  devices: () => ({
    style: (feature) => ({ color: roleColor(feature), weight: 5 }),
    pointToLayer: mark,
  }),
};

// Draws what a switching does into `drawn`, and moves the map there; null draws nothing.
export function drawImpact(map, drawn, layers) {
  drawn.clearLayers();
  if (!layers) return;
  const bounds = L.latLngBounds([]);
  for (const [name, look] of Object.entries(LOOKS)) {
    if (!layers[name]) continue;
    const layer = L.geoJSON(layers[name], look()).addTo(drawn);
    if (name === "lines") continue; // a feeder is longer than what goes dark on it
    if (name === "devices") markDevices(map, drawn, layer);
    else layer.bindTooltip(tip, { sticky: true });
    bounds.extend(layer.getBounds());
  }
  map.invalidateSize({ animate: false }); // what stands above the map may have grown
  if (bounds.isValid()) map.fitBounds(bounds.pad(0.15), { maxZoom: 17 });
}
