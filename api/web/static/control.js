// The form of control: devices are suggested, and the preview follows what is typed.
import { layGround, makeMap, textNode } from "./ground.js";
import { drawImpact } from "./impact.js";

const WAIT_MS = 250;
const form = document.getElementById("entry");
const preview = document.getElementById("preview");
const element = document.getElementById("map");
const map = makeMap(element);
const drawn = window.L.featureGroup().addTo(map);
const kinds = JSON.parse(form.dataset.kinds);
let asked = null;

function later(run) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...given), WAIT_MS);
  };
}

// A list of devices is one field: what stands before the last comma stays, and the last word is completed.
async function suggest(input) {
  const last = input.value.split(/[,，、;；]/).pop();
  const before = input.value.slice(0, input.value.length - last.length);
  const typed = last.trim();
  if (!typed) return input.list.replaceChildren();
  const answer = await fetch(`/api/v1/devices?limit=12&q=${encodeURIComponent(typed)}`);
  if (!answer.ok) return;
  const options = (await answer.json()).map((device) => {
    const option = document.createElement("option");
    option.value = `${before}${before && !before.endsWith(" ") ? " " : ""}${device.id}`;
    const open = device.normally_open && kinds.normally_open;
    option.label = [device.name, kinds[device.kind] ?? device.kind, open, device.feeder].filter(Boolean).join(" · ");
    return option;
  });
  input.list.replaceChildren(...options);
}

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
const fields = [...form.querySelectorAll("input:not([type=hidden]), select")];

function keepDraft() {
  sessionStorage.setItem(DRAFT, JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, field.value]))));
}

function restoreDraft() {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  if (!draft || form.dataset.fresh !== "true") return;
  for (const field of fields) field.value = draft[field.name] ?? field.value;
}

form.addEventListener("input", keepDraft);
restoreDraft();

const refreshLater = later(refresh);
for (const input of form.querySelectorAll("[data-devices]")) {
  const suggestLater = later(suggest);
  input.addEventListener("input", () => {
    suggestLater(input);
    refreshLater();
  });
}

const ground = await layGround(map, element.dataset.language);
if (ground) map.fitBounds(ground);
if ([...form.querySelectorAll("[data-devices]")].some((input) => input.value)) await refresh();
element.dataset.ready = "true";
