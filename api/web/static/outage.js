// The map on the page of one outage.
import { layGround, makeMap } from "./ground.js";
import { drawImpact } from "./impact.js";

if (new URLSearchParams(location.search).has("entered")) sessionStorage.removeItem("gridnotice-entry");

const element = document.getElementById("map");
const map = makeMap(element);
const drawn = window.L.featureGroup().addTo(map);
const ground = await layGround(map, element.dataset.language);
if (ground) map.fitBounds(ground);
drawn.bringToFront();
drawImpact(map, drawn, JSON.parse(document.querySelector("[data-layers]").textContent));
element.dataset.ready = "true";
