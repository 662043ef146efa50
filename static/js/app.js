// @ts-check
/**
 * The page: wires the parts to each other and to the document.
 */

import { fetchCatalogue } from "./catalogue.js";
import { Announcer } from "./components/announcer.js";
import { Card } from "./components/card.js";
import { Launcher } from "./components/launcher.js";
import { Pill } from "./components/pill.js";
import { byId, make, say } from "./dom.js";
import { Hub } from "./hub.js";
import { nameInAddress, recall, remember, taskInAddress } from "./memory.js";
import { clock, language, number, text } from "./texts.js";

/** @import { Task } from "./task.js" */
/** @import { LinkState } from "./socket.js" */
/** @import { Request } from "./memory.js" */

/** How often running times are written, in milliseconds. */
const TICK_MS = 100;

/** @type {Map<Task, Card>} */
const cards = new Map();
const banner = byId("banner");
const announcer = new Announcer(byId("announcer"));
/** @type {Date | null} When the link was lost. */
let lostAt = null;

document.documentElement.lang = language;
for (const element of document.querySelectorAll("[data-text]")) {
  element.textContent = text(/** @type {HTMLElement} */ (element).dataset.text ?? "");
}

// The address of `/ws` beside this page: any sub-path works without configuration.
const socketUrl = new URL("ws", document.baseURI);
socketUrl.hash = "";
socketUrl.protocol = socketUrl.protocol === "https:" ? "wss:" : "ws:";

const hub = new Hub(socketUrl.href, navigator.language, {
  added: show,
  ended: (task) => {
    announcer.say(task);
    if (task.loss === "refused") explain(task);
    count();
  },
  kept: keep,
  linked,
});
const pill = new Pill(() => hub.socket.retryNow());
byId("pill").replaceWith(pill.element);
const launcher = new Launcher(byId("launcher"), run, load);

/** @param {Request} request */
function run(request) {
  const task = hub.run(request);
  isFollowed = task;
  scrollTo({ top: 0, behavior: "instant" });
  if (innerWidth < 900) cards.get(task)?.element.scrollIntoView({ block: "start" });
}

/** @type {Task | null} The task that the address shall name once it has an id. */
let isFollowed = null;

async function load() {
  try {
    launcher.show(await fetchCatalogue(navigator.language));
  } catch (error) {
    launcher.fail(error instanceof Error ? error.message : String(error));
  }
}

/** @param {Task} task */
function show(task) {
  const card = new Card(task, {
    cancel: (one) => hub.cancel(one),
    again: ({ request }) => request && run(request),
    dismiss,
    now: () => Date.now() + hub.clockAhead,
    isLive: () => hub.socket.isLive,
    frameBytes: () => hub.frameBytes,
  });
  cards.set(task, card);
  byId("cards").prepend(card.element);
  count();
}

/** @param {Task} task */
function dismiss(task) {
  const card = cards.get(task);
  const next = card?.element.nextElementSibling ?? card?.element.previousElementSibling;
  cards.delete(task);
  card?.element.remove();
  hub.forget(task);
  if (task.id !== undefined && taskInAddress() === task.id) nameInAddress(null);
  if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  count();
}

/** Show how many tasks there are, and what may be cleared. */
function count() {
  say(byId("count"), cards.size > 0 ? number(cards.size) : "");
  byId("empty").hidden = cards.size > 0;
  byId("tidy").hidden = !hub.tasks.some((task) => task.isOver);
}

/** Remember what is shown; what was refused never ran, and must not run on a reload. */
function keep() {
  for (const task of cards.keys()) {
    if (!hub.tasks.includes(task)) dismiss(task);
  }
  remember(hub.tasks.filter(({ loss }) => loss !== "refused").map(({ note }) => note));
  if (isFollowed?.id !== undefined) {
    nameInAddress(isFollowed.id);
    isFollowed = null;
  }
}

/**
 * Say in the form what the hub found wrong with a request.
 * @param {Task} task
 */
function explain({ request, error }) {
  const { field, reason } = error?.detail ?? {};
  // The hub names a place deep inside as a path; the form has its first part.
  const name = /^[\w-]+/.exec(String(field ?? ""))?.[0];
  if (name) launcher.complain(request, name, String(reason ?? error?.message));
}

/** @param {LinkState} state */
function linked(state) {
  pill.show(state);
  const isLive = state.name === "live" || state.name === "stale";
  if (isLive) lostAt = null;
  else if (state.name !== "connecting") lostAt ??= new Date();
  banner.hidden = lostAt === null || cards.size === 0;
  if (lostAt !== null) say(banner, text("asOf", { time: clock(lostAt) }));
  document.body.dataset.link = state.name;
  for (const task of cards.keys()) task.changed();
}

/** Show the task that the address names, wherever it came from. */
function follow() {
  const id = taskInAddress();
  if (id === null) return;
  const task = hub.attach({ key: "", task_id: id, request: null });
  cards.get(task)?.element.scrollIntoView({ block: "nearest" });
}

function start() {
  byId("empty").append(
    make("h2", { text: text("emptyTitle") }),
    make("p", { text: text("emptyText") }),
  );
  byId("tidy").addEventListener("click", () => {
    for (const task of hub.tasks.filter(({ isOver }) => isOver)) dismiss(task);
  });
  addEventListener("hashchange", follow);
  setInterval(() => {
    if (document.visibilityState !== "visible") return;
    for (const card of cards.values()) card.tick();
  }, TICK_MS);
  for (const note of recall().reverse()) hub.attach(note);
  follow();
  count();
  hub.socket.start();
  load();
}

start();
