// The public map: the outages of the list, as areas. Choosing one in the list shows it here, and the other way round.
import { layGround, makeMap, token } from "./ground.js";

const L = window.L;
const element = document.getElementById("map");
const map = makeMap(element);
const layers = new Map();
const SOURCE = "/api/v1/public/outages.geojson";
const LOOK_AGAIN_MS = 60_000;

const style = (feature) =>
  feature.properties.status === "planned"
    ? { color: token("--plan"), weight: 2, dashArray: "6 5", fillColor: token("--plan"), fillOpacity: 0.16 }
    : { color: token("--off"), weight: 2, fillColor: token("--off"), fillOpacity: 0.28 };

const cardOf = (reference) => document.getElementById(reference);

function choose(reference, { scroll = false, zoom = false } = {}) {
  for (const card of document.querySelectorAll(".card.chosen")) card.classList.remove("chosen");
  const card = cardOf(reference);
  card?.classList.add("chosen");
  if (scroll) card?.scrollIntoView({ block: "nearest" });
  const group = layers.get(reference);
  if (!group) return;
  for (const [other, layer] of layers) layer.setStyle({ weight: other === reference ? 4 : 2 });
  if (zoom) map.fitBounds(group.getBounds(), { padding: [40, 40], maxZoom: 15 });
}

async function start() {
  const answer = await fetch(SOURCE);
  const told = answer.ok ? await answer.text() : "";
  const outages = told ? JSON.parse(told) : { features: [] };
  const ground = await layGround(map, element.dataset.language);
  for (const feature of outages.features.filter((one) => one.geometry)) {
    const { reference } = feature.properties;
    if (!layers.has(reference)) layers.set(reference, L.featureGroup().addTo(map));
    layers.get(reference).addLayer(L.geoJSON(feature, { style }).on("click", () => choose(reference, { scroll: true })));
  }
  const all = L.featureGroup([...layers.values()]);
  const bounds = all.getLayers().length ? all.getBounds().pad(0.25) : ground;
  if (bounds) map.fitBounds(bounds, { maxZoom: 14 });
  for (const button of document.querySelectorAll("[data-show]")) {
    const { reference } = button.closest("[data-reference]").dataset;
    if (!layers.has(reference)) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      choose(reference, { zoom: true });
      element.scrollIntoView({ block: "nearest" });
    });
  }
  addEventListener("hashchange", chooseNamed);
  chooseNamed();
  setInterval(() => reloadIfChanged(told), LOOK_AGAIN_MS);
  element.dataset.ready = "true";
}

function chooseNamed() {
  const named = decodeURIComponent(location.hash.slice(1));
  if (layers.has(named)) choose(named, { scroll: true, zoom: true });
}

// The list is written by the server: when anything has changed, the page is read anew, list and map together.
async function reloadIfChanged(told) {
  const answer = await fetch(SOURCE).catch(() => null);
  if (answer?.ok && (await answer.text()) !== told) location.reload();
}

await start();
