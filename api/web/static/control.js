// The form of control: devices are suggested, an area is drawn, and the preview follows what is typed.
import { later, suggestDevices } from "./devices.js";
import { layGround, makeMap, textNode, token } from "./ground.js";
import { drawImpact } from "./impact.js";

const form = document.getElementById("entry");
const preview = document.getElementById("preview");
const element = document.getElementById("map");
const map = makeMap(element);
const drawn = window.L.featureGroup().addTo(map);
const kinds = JSON.parse(form.dataset.kinds);
let asked = null;

async function refresh() {
  asked?.abort();
  asked = new AbortController();
  preview.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch("/control/preview", { method: "POST", body: new URLSearchParams(new FormData(form)), signal: asked.signal });
    if (!answer.ok) throw new Error(`preview answered ${answer.status}`);
    preview.innerHTML = await answer.text(); // our own template: everything in it is escaped
    const data = preview.querySelector("[data-layers]");
    drawImpact(map, drawn, data && JSON.parse(data.textContent));
    preview.setAttribute("aria-busy", "false");
  } catch (error) {
    if (error.name === "AbortError") return;
    preview.setAttribute("aria-busy", "false");
    preview.replaceChildren(textNode([form.dataset.failed]));
  }
}

// What was typed outlives a reload, a change of language, a wrong click. It is forgotten once an outage is entered.
const DRAFT = "gridnotice-entry";
const fieldsOf = () => [...form.querySelectorAll("input:not([type=hidden], [type=radio]), select, textarea, input[type=radio]:checked")];

function keepDraft() {
  if (form.querySelector("[name=outage]")) return; // a change is read from the store each time
  sessionStorage.setItem(DRAFT, JSON.stringify(fieldsOf().map((field) => [field.id || field.name, field.value])));
}

function restoreDraft() {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  if (!Array.isArray(draft) || form.dataset.fresh !== "true") return;
  for (const [name, value] of draft) {
    while (name.startsWith("start-") && value && !document.getElementById(name)) addWindow();
    const field = document.getElementById(name) ?? form.elements[name]; // buttons of one choice have a name only
    if (field && value) field.value = value;
  }
  for (const box of form.querySelectorAll("details")) {
    box.open ||= [...box.querySelectorAll("input, textarea")].some((field) => field.value);
  }
}

// One more row for a window, as often as it is asked for.
const moreWindows = document.getElementById("more-windows");

function addWindow() {
  const rows = form.querySelectorAll(".window-row");
  const row = rows[rows.length - 1].cloneNode(true);
  for (const field of row.querySelectorAll("input")) {
    const id = `${field.name}-${rows.length + 1}`;
    row.querySelector(`label[for="${field.id}"]`).htmlFor = id;
    field.id = id;
    field.value = "";
  }
  moreWindows.before(row);
}

moreWindows.hidden = false;
moreWindows.addEventListener("click", addWindow);

// An area is drawn by clicking its corners; its text stays what counts.
const polygon = document.getElementById("polygon");
const draw = document.getElementById("draw");
const undraw = document.getElementById("undraw");
const area = window.L.featureGroup().addTo(map);

function cornersOf(text) {
  const numbers = (text.match(/[-+]?\d+(\.\d+)?/g) ?? []).map(Number);
  const corners = [];
  for (let n = 1; n < numbers.length; n += 2) corners.push([numbers[n], numbers[n - 1]]);
  return corners;
}

function showArea() {
  area.clearLayers();
  const corners = cornersOf(polygon.value).filter(([y, x]) => Math.abs(y) <= 90 && Math.abs(x) <= 180);
  if (corners.length) window.L.polygon(corners, { color: token("--plan"), weight: 2, dashArray: "6 5", fillOpacity: 0.08, interactive: false }).addTo(area);
  for (const corner of corners) window.L.circleMarker(corner, { radius: 4, color: token("--plan"), interactive: false }).addTo(area);
  undraw.hidden = draw.getAttribute("aria-pressed") !== "true" || !corners.length;
}

function writeArea(lines) {
  polygon.value = lines.join("\n");
  polygon.dispatchEvent(new Event("input", { bubbles: true }));
}

const linesOf = () => polygon.value.split("\n").filter((line) => line.trim());
draw.hidden = false;
draw.addEventListener("click", () => {
  const on = draw.getAttribute("aria-pressed") !== "true";
  draw.setAttribute("aria-pressed", String(on));
  element.classList.toggle("drawing", on);
  showArea();
  if (on) element.scrollIntoView({ block: "nearest" });
});
undraw.addEventListener("click", () => writeArea(linesOf().slice(0, -1)));
map.on("click", ({ latlng }) => {
  if (draw.getAttribute("aria-pressed") === "true") writeArea([...linesOf(), `${latlng.lng.toFixed(5)},${latlng.lat.toFixed(5)}`]);
});
polygon.addEventListener("input", showArea);

form.addEventListener("input", keepDraft);
restoreDraft();
showArea();

const refreshLater = later(refresh);
for (const input of form.querySelectorAll("[data-devices]")) suggestDevices(input, kinds);
form.addEventListener("input", refreshLater);

const chosenClass = document.getElementById("outage_class");
chosenClass.addEventListener("change", () => {
  if ("atOnce" in chosenClass.selectedOptions[0].dataset) document.getElementById("estimate").open = true;
});

const ground = await layGround(map, element.dataset.language);
if (ground) map.fitBounds(ground);
if ([...form.querySelectorAll("[data-devices], [data-scope]")].some((input) => input.value)) await refresh();
element.dataset.ready = "true";
