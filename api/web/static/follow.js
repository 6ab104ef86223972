// What others do appears while a page is open: boards are loaded anew, an open outage says so. Nothing that is typed is touched.
const AT_MOST_EVERY_MS = 3000;
const news = document.getElementById("news");
const own = [...document.querySelectorAll("[data-follow]")];
let waiting = false;
let last = 0;

// The page as it is now, in the language of the reader; only the parts that follow are taken from it.
async function load() {
  last = Date.now();
  waiting = false;
  const answer = await fetch(news ? location.pathname.split("/").slice(0, 3).join("/") : location.pathname).catch(() => null);
  if (!answer?.ok) return;
  const newest = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (news) tellNews(newest);
  for (const part of own) replace(part, newest.getElementById(part.id));
}

function replace(part, newer) {
  if (!newer) return;
  const known = new Map([...part.querySelectorAll("[data-outage]")].map((row) => [row.dataset.outage, row.dataset.revision]));
  part.replaceChildren(...newer.childNodes);
  for (const row of part.querySelectorAll("[data-outage]")) {
    row.classList.toggle("fresh", known.get(row.dataset.outage) !== row.dataset.revision);
  }
  part.dispatchEvent(new CustomEvent("followed", { bubbles: true }));
}

function tellNews(newest) {
  const latest = newest.getElementById("news");
  if (!latest || Number(latest.dataset.revision) <= Number(news.dataset.revision)) return;
  const step = newest.querySelector("#history li:last-child");
  news.querySelector("[data-what]").textContent = [...step.querySelectorAll(":scope > b, :scope > .quiet")].map((part) => part.textContent.trim()).join(" · ");
  news.hidden = false;
}

function soon() {
  if (waiting) return;
  waiting = true;
  setTimeout(load, Math.max(150, last + AT_MOST_EVERY_MS - Date.now()));
}

const stream = new EventSource("/api/v1/stream");
stream.addEventListener("outage", (event) => {
  const { id, revision } = JSON.parse(event.data);
  if (!news || (id === news.dataset.id && revision > Number(news.dataset.revision))) soon();
});
stream.addEventListener("reset", soon);
// Whatever happened while nobody listened is loaded once the stream is back.
let lost = false;
stream.addEventListener("error", () => (lost = true));
stream.addEventListener("open", () => {
  document.documentElement.dataset.following = "true";
  if (lost) soon();
  lost = false;
});
addEventListener("pagehide", () => stream.close());
