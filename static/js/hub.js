// @ts-check
/**
 * The conversation with the hub: requests out, frames to their tasks, and resume.
 *
 * Theory of operation: a task without an id is an `execute` that got no `opened`; it
 * is sent, and after a lost connection sent again with the same key, so it runs once.
 * A task with an id is a cursor; after every `welcome` each open one is watched from
 * where it stands. Nothing else has to survive a connection.
 */

import { isOfTask } from "./protocol.js";
import { Socket } from "./socket.js";
import { Task } from "./task.js";

/** @import { Frame } from "./protocol.js" */
/** @import { LinkState } from "./socket.js" */
/** @import { Note, Request } from "./memory.js" */

/**
 * @typedef {object} HubListener
 * @property {(task: Task) => void} added A task is shown from now on.
 * @property {(task: Task) => void} ended Its end was seen, whatever it is.
 * @property {() => void} kept The notes to remember have changed.
 * @property {(state: LinkState) => void} linked
 */

/** @typedef {{verb: "execute" | "watch" | "cancel", task: Task}} Asked */

/** Refusals of a watch that time may heal: wait so long, where the hub says nothing. */
const WATCH_AGAIN_MS = 1000;

export class Hub {
  /** @type {Task[]} Newest first. */
  tasks = [];
  /** @type {string | null} Life of the log store, from `welcome`. */
  life = null;
  /** How far the hub's clock is ahead of ours, in milliseconds. */
  clockAhead = 0;
  /** @type {number | null} */
  frameBytes = null;
  /** @type {Map<string | undefined, Task>} */
  #byId = new Map();
  /** @type {Map<string | number, Asked>} Requests of this connection, by their id. */
  #asked = new Map();
  #requests = 0;
  #welcomed = false;

  /**
   * @param {string} url
   * @param {string} locale
   * @param {HubListener} listener
   */
  constructor(url, locale, listener) {
    this.locale = locale;
    this.listener = listener;
    this.socket = new Socket(url, {
      greet: () => this.#greet(),
      receive: (frame) => this.#receive(frame),
      changed: (state) => this.#linked(state),
    });
  }

  /**
   * Run a command and show it; it is sent as soon as there is a connection.
   * @param {Request} request
   * @returns {Task}
   */
  run(request) {
    const task = this.#add({ key: newKey(), request });
    if (this.#welcomed) this.#execute(task);
    this.listener.kept();
    return task;
  }

  /**
   * Show a task of a note, or one that is shown already.
   * @param {Note} note
   * @returns {Task}
   */
  attach(note) {
    const known = note.task_id && this.#byId.get(note.task_id);
    if (known) return known;
    const task = this.#add(note);
    if (this.#welcomed) this.#goOn(task);
    this.listener.kept();
    return task;
  }

  /** @param {Task} task */
  cancel(task) {
    if (task.isOver) return;
    if (task.id === undefined && !task.sent) {
      this.forget(task); // the hub never heard of it
      return;
    }
    task.cancelWanted = true;
    if (this.#welcomed) this.#cancel(task);
    task.changed();
  }

  /**
   * Show a task no longer; its run goes on.
   * @param {Task} task
   */
  forget(task) {
    this.tasks = this.tasks.filter((other) => other !== task);
    if (task.id !== undefined) {
      this.#byId.delete(task.id);
      if (!task.isOver) this.socket.send({ type: "unwatch", task_id: task.id });
    }
    this.listener.kept();
  }

  /** @param {Note} note */
  #add(note) {
    const task = new Task(note);
    this.tasks.unshift(task);
    if (task.id !== undefined) this.#byId.set(task.id, task);
    this.listener.added(task);
    return task;
  }

  #greet() {
    this.#asked.clear();
    this.#welcomed = false;
    this.socket.send({ type: "hello", locale: this.locale, client: "taskhub page" });
  }

  /** @param {LinkState} state */
  #linked(state) {
    if (!this.socket.isLive) this.#welcomed = false;
    this.listener.linked(state);
  }

  /** @param {Frame} frame */
  #receive(frame) {
    if (frame.type === "welcome") this.#welcome(frame);
    else if (frame.type === "error") this.#error(frame);
    else if (frame.type === "opened") this.#opened(frame);
    else if (frame.type === "ok") this.#asked.delete(frame.id ?? "");
    else if (isOfTask(frame)) this.#advance(this.#byId.get(frame.task_id), frame);
  }

  /** @param {Frame} frame */
  #welcome(frame) {
    const now = new Date(frame.now).getTime();
    this.clockAhead = Number.isFinite(now) ? now - Date.now() : 0;
    this.frameBytes = frame.limits?.frame_bytes ?? null;
    const isSecond = this.#welcomed && this.life === frame.hub;
    this.life = frame.hub;
    this.#welcomed = true;
    // The greeting is answered by a welcome that replaces an earlier one.
    if (isSecond) return;
    for (const task of [...this.tasks].reverse()) this.#goOn(task);
  }

  /**
   * Take a task up on a fresh connection.
   * @param {Task} task
   */
  #goOn(task) {
    if (task.isOver) return;
    if (task.id === undefined) this.#execute(task);
    else if (task.hub !== undefined && task.hub !== this.life) this.#lose(task);
    else this.#watch(task);
    if (task.cancelWanted && !task.isOver) this.#cancel(task);
  }

  /** @param {Task} task Its id means nothing in the store that answers now. */
  #lose(task) {
    task.lose("hub_changed");
    this.listener.ended(task);
  }

  /** @param {Task} task */
  #execute(task) {
    const { plugin, command, params, cache, deadline_ms } = task.request ?? {};
    /** @type {Frame} */
    const frame = { type: "execute", plugin, command, params, key: task.key };
    if (cache !== undefined) frame.cache = cache;
    if (deadline_ms !== undefined) frame.deadline_ms = deadline_ms;
    const bytes = new TextEncoder().encode(JSON.stringify(frame)).length + 64;
    if (this.frameBytes !== null && bytes > this.frameBytes) {
      // The hub would refuse it, or close: say the same here.
      this.#refuse(task, { type: "error", code: "frame_too_large", message: "" });
      return;
    }
    task.sent = this.#ask("execute", task, frame) || task.sent;
    task.changed();
  }

  /** @param {Task} task */
  #watch(task) {
    const fields = task.cursor.resume();
    this.#ask("watch", task, { type: "watch", task_id: task.id, ...fields });
  }

  /** @param {Task} task */
  #cancel(task) {
    if (task.id === undefined) return; // follows its `opened`
    this.#ask("cancel", task, { type: "cancel", task_id: task.id });
  }

  /**
   * @param {Asked["verb"]} verb
   * @param {Task} task
   * @param {Frame} frame
   */
  #ask(verb, task, frame) {
    this.#requests += 1;
    frame.id = this.#requests;
    this.#asked.set(frame.id, { verb, task });
    return this.socket.send(frame);
  }

  /** @param {Frame} frame */
  #opened(frame) {
    const asked = this.#asked.get(frame.id ?? "");
    this.#asked.delete(frame.id ?? "");
    const task = asked?.task ?? this.#byId.get(frame.task_id);
    if (task === undefined) return;
    if (!this.tasks.includes(task)) {
      // Taken off the page before the hub answered.
      this.socket.send({ type: "unwatch", task_id: frame.task_id });
      return;
    }
    this.#byId.set(frame.task_id, task);
    this.#advance(task, frame);
    task.hub = this.life ?? undefined;
    if (asked?.verb === "execute" && task.cancelWanted) this.#cancel(task);
    this.listener.kept();
  }

  /**
   * @param {Task | undefined} task
   * @param {Frame} frame
   */
  #advance(task, frame) {
    if (task === undefined || task.isOver) return;
    for (const effect of task.cursor.receive(frame)) {
      if (effect.do === "watch") this.#watch(task);
      else task.apply(effect);
    }
    task.changed();
    if (task.isOver) this.listener.ended(task);
  }

  /** @param {Frame} frame */
  #error(frame) {
    const asked = this.#asked.get(frame.id ?? "");
    this.#asked.delete(frame.id ?? "");
    const task = asked?.task ?? this.#byId.get(frame.task_id);
    if (task === undefined || task.isOver) return;
    if (asked?.verb === "execute") this.#refuse(task, frame);
    else if (frame.code === "not_found") task.lose("not_found", frame);
    else if (asked?.verb === "cancel") this.#cancelRefused(task, frame);
    else if (frame.retry) this.#watchLater(task, frame.retry_after_ms);
    else task.lose("forbidden", frame);
    if (task.isOver) this.listener.ended(task);
  }

  /**
   * @param {Task} task
   * @param {Frame} error
   */
  #refuse(task, error) {
    task.lose("refused", error);
    this.listener.kept();
  }

  /**
   * @param {Task} task
   * @param {Frame} error
   */
  #cancelRefused(task, error) {
    task.cancelWanted = false;
    task.error = error;
    task.changed();
  }

  /**
   * @param {Task} task
   * @param {number} [wait]
   */
  #watchLater(task, wait = WATCH_AGAIN_MS) {
    setTimeout(() => {
      if (this.#welcomed && !task.isOver) this.#watch(task);
    }, wait);
  }
}

/** @returns {string} A fresh idempotency key: 128 random bits, in hexadecimal. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
