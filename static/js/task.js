// @ts-check
/**
 * What this page knows of one task; it only ever learns from frames.
 */

import { Output } from "./output.js";
import { Cursor } from "./protocol.js";

/** @import { Effect, Frame, Status, TaskResponse } from "./protocol.js" */
/** @import { Note, Request } from "./memory.js" */

/**
 * Why nothing more will be known of a task, though no result came.
 * `refused`: never accepted. `not_found`: the hub does not know it, or not for us.
 * `hub_changed`: the log store it lived in was replaced. `forbidden`: may not be read.
 * @typedef {"refused" | "not_found" | "hub_changed" | "forbidden"} Loss
 */

/** @typedef {{from: number, to: number, why: string}} Gap */

let tasksMade = 0;

export class Task {
  cursor = new Cursor();
  output = new Output();
  /** Counts how often the output was forgotten, so that a view knows to start anew. */
  edition = 0;
  /** @type {Gap[]} */
  gaps = [];
  /** @type {TaskResponse | null} The last snapshot; after the end, the final one. */
  response = null;
  /** @type {string | null} Where a result over the frame limit can be had. */
  resultUrl = null;
  /** @type {Frame | null} The latest progress frame. */
  progress = null;
  /** @type {string | null} */
  origin = null;
  /** @type {Loss | null} */
  loss = null;
  /** @type {Frame | null} The refusal, or the error that ended the watch. */
  error = null;
  /** The execute left this page at least once. */
  sent = false;
  /** The user asked to cancel, and no end has come yet. */
  cancelWanted = false;
  /** @type {string | undefined} */
  id;
  /** @type {string | undefined} Life of the log store that the id belongs to. */
  hub;
  /** @type {() => void} Called after every change; the view's to set. */
  changed = () => {};

  /** @param {Note} note */
  constructor(note) {
    tasksMade += 1;
    this.uid = tasksMade;
    this.key = note.key;
    this.request = note.request;
    this.id = note.task_id;
    this.hub = note.hub;
  }

  /** Whether a result, a refusal or a loss closed this task for us. */
  get isOver() {
    return this.cursor.ended || this.loss !== null;
  }

  /** @returns {Status | "sending" | "refused" | "lost"} */
  get status() {
    if (this.cursor.ended) return this.response?.status ?? "completed";
    if (this.loss === "refused") return "refused";
    if (this.loss !== null) return "lost";
    return this.progress?.status ?? this.response?.status ?? "sending";
  }

  /** @returns {number | null} From 0 to 1; null where it is not known. */
  get fraction() {
    if (this.cursor.ended) return this.response?.progress ?? null;
    return (this.progress ?? this.response)?.progress ?? null;
  }

  /** @returns {string} `plugin.command`, as far as it is known. */
  get name() {
    const known = this.request ?? this.response?.metadata;
    return known ? `${known.plugin}.${known.command}` : (this.id ?? "…");
  }

  /** @returns {Note} */
  get note() {
    return { key: this.key, task_id: this.id, hub: this.hub, request: this.request };
  }

  /**
   * Take in what the cursor made of a frame; asking to watch again is not ours to do.
   * @param {Effect} effect
   */
  apply(effect) {
    if (effect.do === "opened") this.#opened(effect.frame);
    else if (effect.do === "progress") this.progress = effect.frame;
    else if (effect.do === "chunk") this.output.add(effect.frame);
    else if (effect.do === "forget") this.#forget();
    else if (effect.do === "gap") this.gaps.push(effect);
    else if (effect.do === "end") this.#end(effect.frame);
  }

  /**
   * Close the task without a result.
   * @param {Loss} loss
   * @param {Frame | null} error
   */
  lose(loss, error = null) {
    if (this.isOver) return;
    this.loss = loss;
    this.error = error;
    this.cancelWanted = false;
    this.changed();
  }

  /** @param {Frame} frame */
  #opened(frame) {
    this.id = frame.task_id;
    // A watch is how we look, not where the task came from.
    this.origin = frame.origin === "watch" ? this.origin : frame.origin;
    // The snapshot is the newest there is; what was reported before it is history.
    this.response = frame.response;
    this.progress = null;
    const metadata = this.response?.metadata;
    this.origin ??= metadata?.origin ?? null;
    if (this.request === null && metadata?.request?.params) {
      const { plugin, command, request } = metadata;
      this.request = { plugin, command, params: request?.params ?? {} };
    }
  }

  #forget() {
    this.output = new Output();
    this.gaps = [];
    this.progress = null;
    this.edition += 1;
  }

  /** @param {Frame} frame */
  #end(frame) {
    this.response = frame.response;
    this.resultUrl = frame.result_url ?? null;
    this.cancelWanted = false;
  }
}
