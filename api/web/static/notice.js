// Texts are saved while they are typed, each upon the version that was read. Without this script the buttons save them.
const work = document.getElementById("work");
const csrf = work.querySelector('[name="csrf"]')?.value ?? "";
const PAUSE_MS = 900;
const AGAIN_MS = 5000;
let checking = 0;

class Field {
  constructor(article) {
    this.article = article;
    this.body = article.querySelector("[data-body]");
    this.title = article.querySelector("[data-title]");
    this.version = article.querySelector("[data-version]");
    this.state = article.querySelector("[data-state]");
    this.timer = 0;
    this.busy = false;
    this.kept = this.typed();
    for (const part of [this.body, this.title]) part.addEventListener("input", () => this.soon(PAUSE_MS));
  }

  typed() {
    return JSON.stringify({ title: this.title.value, body: this.body.value });
  }

  get isOpen() {
    return this.typed() !== this.kept;
  }

  soon(after) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), after);
  }

  // One request at a time for a text: the next one needs the version that this one returns.
  async save() {
    if (this.busy || !this.isOpen) return;
    this.busy = true;
    this.say(work.dataset.saving);
    const sent = this.typed();
    const answer = await fetch(`/api/v1/notices/${encodeURIComponent(work.dataset.notice)}/texts/${this.article.dataset.key}`, {
      method: "PUT",
      headers: { "Content-Type": "application/json", "If-Match": `"${this.version.value}"`, "X-CSRF-Token": csrf },
      body: sent,
    }).catch(() => null);
    this.busy = false;
    if (answer?.ok) return this.keep(sent, await answer.json());
    this.say(answer?.status === 409 ? work.dataset.stale : work.dataset.failed, true);
    if (!answer || answer.status >= 500) this.soon(AGAIN_MS);
  }

  keep(sent, { version }) {
    this.kept = sent;
    this.version.value = version;
    this.say(`${work.dataset.saved} ${new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" })}`);
    if (this.isOpen) this.soon(PAUSE_MS);
    else check();
  }

  say(words, wrong = false) {
    this.state.textContent = words;
    this.state.classList.toggle("wrong", wrong);
  }
}

// What was found, and how long each text is now, as the server says it. Reasons that are typed stay.
async function check() {
  const mine = ++checking;
  const answer = await fetch(`/notices/${encodeURIComponent(work.dataset.notice)}`).catch(() => null);
  if (!answer?.ok) return;
  const newest = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== checking) return;
  for (const article of newest.querySelectorAll("[data-key]")) {
    const own = document.querySelector(`[data-key="${CSS.escape(article.dataset.key)}"] [data-measures]`);
    own?.replaceChildren(...article.querySelector("[data-measures]").childNodes);
  }
  const part = document.getElementById("findings");
  const newer = newest.getElementById("findings");
  const focused = document.activeElement?.name;
  const reasons = new Map([...part.querySelectorAll("input")].map((input) => [input.name, input.value]));
  for (const input of newer.querySelectorAll("input")) input.value = reasons.get(input.name) ?? input.value;
  part.replaceChildren(...newer.childNodes);
  if (focused?.startsWith("reason:")) [...part.querySelectorAll("input")].find((input) => input.name === focused)?.focus();
}

const fields = [...document.querySelectorAll("[data-key]")].filter((article) => article.querySelector("[data-body]")).map((article) => new Field(article));
let leaving = false;
work.addEventListener("submit", () => {
  leaving = true;
  for (const field of fields) clearTimeout(field.timer);
});
addEventListener("beforeunload", (event) => {
  if (!leaving && fields.some((field) => field.isOpen)) event.preventDefault();
});
