// @ts-check
/**
 * What this tab remembers across a reload: which tasks it shows, and their requests.
 *
 * The output is not kept: the hub has it, and reads it out again from 0.
 */

import { parseExact } from "./exact.js";

/**
 * @typedef {object} Note
 * @property {string} key Idempotency key of the request; empty for a task of others.
 * @property {string} [task_id]
 * @property {string} [hub] Life of the log store that `task_id` belongs to.
 * @property {Request | null} request
 */

/**
 * @typedef {object} Request
 * @property {string} plugin
 * @property {string} command
 * @property {Record<string, unknown>} params
 * @property {string} [cache]
 * @property {number} [deadline_ms]
 */

const NAME = "taskhub.tasks";
/** Notes kept, newest first. */
const MOST = 100;

/** @returns {Note[]} What was remembered, newest first; nothing where storage is shut. */
export function recall() {
  try {
    const notes = parseExact(sessionStorage.getItem(NAME) ?? "[]");
    return Array.isArray(notes) ? notes.filter(isNote).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/**
 * Remember these notes instead of the former ones.
 * @param {Note[]} notes Newest first.
 */
export function remember(notes) {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(notes.slice(0, MOST)));
  } catch {
    // Full or forbidden: the page works on, a reload then forgets.
  }
}

/** @returns {string | null} The task that the address names. */
export function taskInAddress() {
  return /^#task=([\w.~-]{1,200})$/.exec(location.hash)?.[1] ?? null;
}

/** @param {string | null} taskId The task that the address shall name. */
export function nameInAddress(taskId) {
  history.replaceState(null, "", taskId === null ? "./" : `#task=${taskId}`);
}

/**
 * @param {any} note Whatever was stored.
 * @returns {note is Note}
 */
function isNote(note) {
  return (
    typeof note?.key === "string" &&
    (note.key !== "" || typeof note.task_id === "string")
  );
}
