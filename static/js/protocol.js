// @ts-check
/**
 * The client's rule of the wire protocol, pure: frames in, effects out.
 *
 * A task's log is numbered from 1 without holes; a `Cursor` remembers the last
 * number it applied and says what each frame means. It opens no socket, reads no
 * clock and touches no page, so every rule can be tested by handing it frames.
 *
 * Rules:
 * 1. Only `result`, `not_found` or a changed hub ends a task; a closed socket never.
 * 2. `reset` and `gap` set the attempt; `opened` and `progress` never do.
 * 3. A hole is asked for once; met again at the same place, it is shown as a gap.
 */

import { parseExact } from "./exact.js";

/** @typedef {"created" | "running" | "completed" | "failed" | "cancelled"} Status */

/**
 * The one answer of every task, on every transport.
 * @typedef {object} TaskResponse
 * @property {string} task_id
 * @property {Status} status
 * @property {number | null} progress
 * @property {unknown} result
 * @property {string | null} error
 * @property {string} created_at
 * @property {string} updated_at
 * @property {string | null} message
 * @property {Metadata} metadata
 */

/**
 * @typedef {object} Metadata
 * @property {string} plugin
 * @property {string} command
 * @property {string} [origin]
 * @property {number} [attempt]
 * @property {number | null} [queued_ms]
 * @property {number | null} [execution_time_ms]
 * @property {string | null} [started_at]
 * @property {string | null} [cached_at]
 * @property {number} [chunks]
 * @property {{code: string, retry: boolean, ran: string, detail?: unknown} | null} [failure]
 * @property {{params: Record<string, unknown> | null, cache?: string, deadline_ms?: number | null} | null} [request]
 */

/**
 * A server frame. Fields depend on `type`; a client ignores what it does not know.
 * @typedef {{type: string, task_id?: string, id?: string | number} & Record<string, any>} Frame
 */

/**
 * What a frame asks the owner of a cursor to do, in order.
 * @typedef {{do: "opened", frame: Frame}
 *   | {do: "progress", frame: Frame}
 *   | {do: "chunk", frame: Frame}
 *   | {do: "forget"}
 *   | {do: "gap", from: number, to: number, why: string}
 *   | {do: "watch"}
 *   | {do: "end", frame: Frame}} Effect
 */

/** Gaps that stand for nothing a person would miss. */
const QUIET_GAPS = new Set(["void", "skipped"]);

/** Frames of a task that carry no number. */
const UNNUMBERED = new Set(["opened", "progress", "gap", "result"]);

/** The place of one reader in one task's log. */
export class Cursor {
  constructor() {
    /** Number of the last entry applied. */
    this.last = 0;
    /** Attempt of that entry. */
    this.attempt = 1;
    /** The result was applied: nothing changes any more. */
    this.ended = false;
    /** A watch is on its way: entries beyond the hole belong to the former read. */
    this.asked = false;
    /** Where a hole was met before, or -1. */
    this.hole = -1;
  }

  /**
   * The fields of the `watch` that goes on from here; counts as asked from now on.
   * @returns {{from: number, attempt?: number}}
   */
  resume() {
    this.asked = true;
    // At 0 no entry was seen, so there is no attempt to speak of.
    return this.last > 0
      ? { from: this.last, attempt: this.attempt }
      : { from: 0 };
  }

  /**
   * Take one frame of this task and say what follows from it.
   * @param {Frame} frame
   * @returns {Effect[]}
   */
  receive(frame) {
    if (this.ended) return [];
    if (frame.type === "opened") return this.#opened(frame);
    if (frame.type === "progress") {
      return frame.attempt < this.attempt ? [] : [{ do: "progress", frame }];
    }
    if (frame.type === "gap") return this.#gap(frame);
    if (frame.type === "result") return this.#result(frame);
    if (typeof frame.seq !== "number") return [];
    return this.#numbered(frame);
  }

  /**
   * @param {Frame} frame
   * @returns {Effect[]}
   */
  #opened(frame) {
    this.asked = false;
    /** @type {Effect[]} */
    const effects = [];
    if (frame.from < this.last) {
      // The store lost its last moments, or reads an attempt anew.
      this.last = frame.from;
      this.attempt = 1;
      effects.push({ do: "forget" });
    }
    effects.push({ do: "opened", frame });
    return effects;
  }

  /**
   * @param {Frame} frame
   * @returns {Effect[]}
   */
  #numbered(frame) {
    if (frame.seq <= this.last) return [];
    const before = this.#bridge(frame.seq);
    if (before === null) return this.#ask();
    this.last = frame.seq;
    if (frame.type === "chunk") return [...before, { do: "chunk", frame }];
    if (frame.type !== "reset") return before; // unknown, but it has its number
    this.attempt = frame.attempt;
    return [{ do: "forget" }];
  }

  /**
   * @param {Frame} frame
   * @returns {Effect[]}
   */
  #gap(frame) {
    if (frame.to <= this.last) return [];
    const effects = this.#bridge(frame.from);
    if (effects === null) return this.#ask();
    const from = Math.max(frame.from, this.last + 1);
    this.last = frame.to;
    const anew = frame.attempt > this.attempt;
    this.attempt = frame.attempt ?? this.attempt;
    if (anew) return [{ do: "forget" }];
    if (!QUIET_GAPS.has(frame.why)) {
      effects.push({ do: "gap", from, to: frame.to, why: frame.why });
    }
    return effects;
  }

  /**
   * @param {Frame} frame
   * @returns {Effect[]}
   */
  #result(frame) {
    const before = this.#bridge(frame.seq);
    if (before === null) return this.#ask();
    this.last = Math.max(this.last, frame.seq);
    this.ended = true;
    return [...before, { do: "end", frame }];
  }

  /**
   * Say what must be shown before entry `seq` may be applied; null: ask for it first.
   * @param {number} seq
   * @returns {Effect[] | null}
   */
  #bridge(seq) {
    if (seq <= this.last + 1) return [];
    if (this.asked || this.hole !== this.last) return null;
    return [{ do: "gap", from: this.last + 1, to: seq - 1, why: "lost" }];
  }

  /** @returns {Effect[]} */
  #ask() {
    if (this.asked) return [];
    this.hole = this.last;
    return [{ do: "watch" }];
  }
}

/**
 * Whether frames of this type belong to one task's log or state.
 * @param {Frame} frame
 * @returns {boolean}
 */
export function isOfTask(frame) {
  return (
    typeof frame.task_id === "string" &&
    (UNNUMBERED.has(frame.type) || typeof frame.seq === "number")
  );
}

/**
 * The frames of one WebSocket message: one frame, or an array of them.
 * @param {string} text
 * @returns {Frame[]}
 * @throws {SyntaxError} If the text is not JSON.
 */
export function framesOf(text) {
  const value = parseExact(text);
  const frames = Array.isArray(value) ? value : [value];
  return frames.filter((frame) => typeof frame?.type === "string");
}

/**
 * Whether a close code lets a client come back; the range carries the verdict.
 * @param {number} code
 * @returns {boolean}
 */
export function mayReconnect(code) {
  if (code >= 4500 && code <= 4999) return false;
  return ![1003, 1007, 1008, 1009].includes(code);
}

/**
 * Full jitter: any moment between now and a ceiling that doubles up to 15 s.
 * @param {number} failures How many tries have failed in a row.
 * @param {number} chance From 0 up to 1, random.
 * @returns {number} Milliseconds to wait.
 */
export function backoff(failures, chance) {
  return chance * Math.min(15_000, 500 * 2 ** Math.min(failures, 10));
}
