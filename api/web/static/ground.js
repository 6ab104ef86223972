// A Leaflet canvas map without tiles: places that everybody knows are its ground. Colours come from the style sheet.
const L = window.L;

export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Text never becomes markup: whatever stands in a table is shown as it is.
export function textNode(lines) {
  const box = document.createElement("div");
  for (const line of lines.filter(Boolean)) {
    const p = document.createElement("p");
    p.textContent = line;
    box.append(p);
  }
  return box;
}

export function makeMap(element) {
  const map = L.map(element, { preferCanvas: true, zoomControl: false, attributionControl: false, zoomSnap: 0.5, maxZoom: 19 });
  L.control.zoom({ zoomInTitle: element.dataset.zoomIn, zoomOutTitle: element.dataset.zoomOut }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  map.setView([0, 0], 2);
  return map;
}

const STYLES = {
  county: () => ({ color: token("--map-line"), weight: 2, fillColor: token("--map-area"), fillOpacity: 0.5 }),
  town: () => ({ color: token("--map-line"), weight: 1.5, fillColor: token("--map-area"), fillOpacity: 0.6 }),
  community: () => ({ color: token("--map-line"), weight: 1, dashArray: "4 4", fill: false }),
};

export async function layGround(map, language) {
  const answer = await fetch("/api/v1/public/places.geojson");
  if (!answer.ok) return null;
  const places = await answer.json();
  const order = ["county", "town", "community"];
  places.features.sort((a, b) => order.indexOf(a.properties.kind) - order.indexOf(b.properties.kind));
  const ground = L.geoJSON(places, { interactive: false, style: (place) => STYLES[place.properties.kind]?.() }).addTo(map);
  nameGround(map, ground.getLayers(), language);
  return ground.getLayers().length ? ground.getBounds() : null;
}

// One kind of place is named at a time: the smallest of which most have room for their names. Two never lie over each other.
const NAMED_KINDS = ["community", "town", "county"];
const LETTER_PX = { zh: 14, en: 8 };

function nameGround(map, layers, language) {
  const names = L.layerGroup().addTo(map);
  const places = layers.map((layer) => {
    const { kind, name, name_en: english } = layer.feature.properties;
    return { kind, words: language === "zh" ? name : english || name, bounds: layer.getBounds() };
  });
  const hasRoom = ({ words, bounds }) => {
    const width = map.latLngToLayerPoint(bounds.getNorthEast()).x - map.latLngToLayerPoint(bounds.getSouthWest()).x;
    return width > words.length * LETTER_PX[language];
  };
  const write = () => {
    names.clearLayers();
    const seen = places.filter(({ bounds }) => map.getBounds().intersects(bounds));
    const kind = NAMED_KINDS.find((one) => {
      const of = seen.filter((place) => place.kind === one);
      return of.length > 0 && of.filter(hasRoom).length * 2 >= of.length;
    });
    const taken = [];
    for (const { words, bounds } of seen.filter((place) => place.kind === kind && hasRoom(place))) {
      const at = map.latLngToLayerPoint(bounds.getCenter());
      const half = (words.length * LETTER_PX[language]) / 2 + 4;
      if (taken.some(([p, h]) => Math.abs(p.x - at.x) < h + half && Math.abs(p.y - at.y) < 18)) continue;
      taken.push([at, half]);
      const tip = L.tooltip({ permanent: true, direction: "center", className: "place-name", interactive: false });
      names.addLayer(tip.setLatLng(bounds.getCenter()).setContent(textNode([words])));
    }
  };
  map.on("moveend", write);
  write();
}
