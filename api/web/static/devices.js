// Fields for devices: what is typed is completed from the network.
const WAIT_MS = 250;

export function later(run) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...given), WAIT_MS);
  };
}

// A list of devices is one field: what stands before the last comma stays, and the last word is completed.
async function suggest(input, kinds) {
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

export function suggestDevices(input, kinds) {
  const suggestLater = later(suggest);
  input.addEventListener("input", () => suggestLater(input, kinds));
}
