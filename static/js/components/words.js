// @ts-check
/**
 * What there is to say about a task, in words; pure but for the language.
 */

import { clock, duration, number, text } from "../texts.js";

/** @import { Frame } from "../protocol.js" */
/** @import { Task } from "../task.js" */

/** @type {Partial<Frame>} */
const NOTHING = {};

/**
 * The line below the bar: what the task itself said last, and what holds it up.
 * @param {Task} task
 * @param {number} now The hub's clock.
 * @returns {string}
 */
export function sayingOf(task, now) {
  if (task.cursor.ended) return task.response?.message ?? "";
  if (task.loss !== null) return "";
  const { message, step, total, position, eta_ms, quiet_ms, retry_at } =
    task.progress ?? NOTHING;
  const parts = [task.progress ? message : task.response?.message];
  const isNumbered = typeof step === "number" && typeof total === "number";
  if (isNumbered) parts.push(text("steps", { step: number(step), total: number(total) }));
  if (typeof position === "number") parts.push(text("position", { n: number(position) }));
  if (typeof eta_ms === "number") parts.push(text("eta", { time: duration(eta_ms) }));
  if (typeof quiet_ms === "number") parts.push(text("quiet", { time: duration(quiet_ms) }));
  if (retry_at && Date.parse(retry_at) > now) {
    parts.push(text("retryAt", { time: clock(retry_at) }));
  }
  return parts.filter(Boolean).join(" · ");
}

/**
 * What went wrong, for people; empty where nothing did.
 * @param {Task} task
 * @param {number | null} frameBytes
 * @returns {string}
 */
export function noticeOf(task, frameBytes) {
  const { error, loss, response, cursor } = task;
  if (cursor.ended) return response?.error ?? "";
  const reason = error ? [error.message, `(${error.code})`].filter(Boolean).join(" ") : "";
  if (loss === "not_found") return text("notFound");
  if (loss === "hub_changed") return text("hubChanged");
  if (loss === "forbidden") return text("forbidden", { reason });
  if (loss === null) return error ? text("cancelFailed", { reason }) : "";
  return refusalOf(task, reason, frameBytes);
}

/**
 * Small facts for the foot of a card.
 * @param {Task} task
 * @returns {string[]}
 */
export function factsOf({ response, cursor }) {
  const metadata = response?.metadata;
  if (!metadata || !cursor.ended) return [];
  const { attempt, queued_ms, execution_time_ms, chunks, failure } = metadata;
  const facts = [];
  if (typeof execution_time_ms === "number") {
    facts.push(text("ran", { time: duration(execution_time_ms) }));
  }
  if (typeof queued_ms === "number" && queued_ms >= 1) {
    facts.push(text("queued", { time: duration(queued_ms) }));
  }
  if (chunks) facts.push(text("chunks", { n: number(chunks) }));
  if (attempt !== undefined && attempt > 1) facts.push(text("attempt", { n: attempt }));
  if (failure && failure.code !== "cancelled") facts.push(failure.code);
  return facts;
}

/**
 * @param {Task} task
 * @param {string} reason
 * @param {number | null} frameBytes
 */
function refusalOf({ error }, reason, frameBytes) {
  if (error?.code === "frame_too_large" && frameBytes !== null) {
    return text("tooLarge", { n: number(frameBytes) });
  }
  const parts = [reason];
  if (typeof error?.retry_after_ms === "number") {
    parts.push(text("retryIn", { time: duration(error.retry_after_ms) }));
  }
  return parts.join(" ");
}
