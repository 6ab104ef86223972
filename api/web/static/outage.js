// The page of one outage: its map, and rows for operations.
import { suggestDevices } from "./devices.js";
import { layGround, makeMap } from "./ground.js";
import { drawImpact } from "./impact.js";

if (new URLSearchParams(location.search).has("entered")) sessionStorage.removeItem("gridnotice-entry");

const more = document.getElementById("more-operations");
if (more) {
  const kinds = JSON.parse(more.dataset.kinds);
  const rows = () => [...document.querySelectorAll(".operation")];
  for (const row of rows()) suggestDevices(row.querySelector("[data-devices]"), kinds);
  more.hidden = false;
  more.addEventListener("click", () => {
    const row = rows().at(-1).cloneNode(true);
    const device = row.querySelector("[data-devices]");
    row.querySelector("legend").textContent = String(rows().length + 1);
    device.value = "";
    suggestDevices(device, kinds);
    rows().at(-1).after(row);
    device.focus();
  });
}

const element = document.getElementById("map");
const map = makeMap(element);
const drawn = window.L.featureGroup().addTo(map);
const ground = await layGround(map, element.dataset.language);
if (ground) map.fitBounds(ground);
drawn.bringToFront();
drawImpact(map, drawn, JSON.parse(document.querySelector("[data-layers]").textContent));
element.dataset.ready = "true";
