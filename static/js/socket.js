// @ts-check
/**
 * The one place that touches WebSocket: stay connected, and be honest about it.
 *
 * The state tells what is known, never what is hoped: `live` only after a `welcome`,
 * `stale` when a ping went unanswered, `waiting` with the moment of the next try.
 */

import { backoff, framesOf, mayReconnect } from "./protocol.js";

/** @import { Frame } from "./protocol.js" */

/**
 * @typedef {object} LinkState
 * @property {"connecting" | "live" | "stale" | "waiting" | "offline" | "stopped"} name
 * @property {number} [until] When the next try comes, on the clock of `performance.now`.
 * @property {number} [lag] Milliseconds of the last round trip.
 * @property {number} [code] Close code of the connection that was lost.
 * @property {string} [reason] What the hub said about it.
 */

/**
 * @typedef {object} Listener
 * @property {(socket: Socket) => void} greet Send the first frames of a connection.
 * @property {(frame: Frame) => void} receive Take one frame.
 * @property {(state: LinkState) => void} changed Show a new state.
 */

const SUBPROTOCOL = "taskhub.v1.json";
/** A connection that has no `welcome` by then is given up. */
const WELCOME_MS = 10_000;
/** How often the round trip is measured while somebody looks. */
const PING_MS = 5_000;
/** The first measurement of a connection comes so long after its `welcome`. */
const FIRST_PING_MS = 1_000;
/** A pong later than this makes the link stale. */
const PONG_MS = 4_000;
/** A connection that lived so long clears the count of failures. */
const GOOD_MS = 5_000;

export class Socket {
  /** @type {WebSocket | null} */
  #ws = null;
  #failures = 0;
  #welcomedAt = 0;
  #heardAt = 0;
  #heartbeatMs = 20_000;
  #pingSentAt = 0;
  #pingAt = 0;
  #openedAt = 0;
  /** @type {number | null} What a `goaway` asked us to wait. */
  #askedWait = null;
  /** @type {number | undefined} */
  #retry;
  /** @type {LinkState} */
  #state = { name: "connecting" };

  /**
   * @param {string} url
   * @param {Listener} listener
   */
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
  }

  get state() {
    return this.#state;
  }

  get isLive() {
    return this.#state.name === "live" || this.#state.name === "stale";
  }

  /** Connect, and keep connected from now on. */
  start() {
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.#offline());
    addEventListener("pageshow", (event) => event.persisted && this.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#woken();
    });
    setInterval(() => this.#tick(), 1000);
    this.#connect();
  }

  /** Try at once, whatever the wait; does nothing while connected. */
  retryNow() {
    if (this.#ws === null) this.#connect();
  }

  /**
   * Send frames as one message. Only the greeting may leave before the `welcome`.
   * @param {...Frame} frames
   * @returns {boolean} Whether they were handed to a connection.
   */
  send(...frames) {
    if (this.#ws?.readyState !== WebSocket.OPEN) return false;
    this.#ws.send(JSON.stringify(frames.length === 1 ? frames[0] : frames));
    return true;
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#set({ name: "connecting" });
    const ws = new WebSocket(this.url, [SUBPROTOCOL]);
    this.#ws = ws;
    this.#openedAt = performance.now();
    this.#welcomedAt = 0;
    this.#pingSentAt = 0;
    ws.onopen = () => this.#ws === ws && this.listener.greet(this);
    ws.onmessage = (event) => this.#ws === ws && this.#message(event.data);
    ws.onclose = (event) => this.#ws === ws && this.#lost(event.code, event.reason);
  }

  /** @param {unknown} data */
  #message(data) {
    this.#heardAt = performance.now();
    let frames;
    try {
      frames = framesOf(String(data));
    } catch {
      this.#giveUp("not JSON");
      return;
    }
    for (const frame of frames) this.#frame(frame);
  }

  /** @param {Frame} frame */
  #frame(frame) {
    if (frame.type === "welcome") {
      this.#heartbeatMs = frame.heartbeat_ms ?? this.#heartbeatMs;
      if (this.#welcomedAt === 0) {
        this.#welcomedAt = this.#heardAt;
        // Not at once: a page that still builds itself would measure itself.
        this.#pingAt = this.#heardAt - PING_MS + FIRST_PING_MS;
        this.#set({ name: "live" });
      }
    } else if (frame.type === "pong" && frame.id === "lag") {
      const lag = performance.now() - this.#pingSentAt;
      this.#pingSentAt = 0;
      this.#set({ name: "live", lag });
      return;
    } else if (frame.type === "goaway") {
      this.#askedWait = frame.retry_after_ms ?? null;
    }
    this.listener.receive(frame);
  }

  #ping() {
    if (this.#pingSentAt !== 0) return;
    this.#pingAt = performance.now();
    if (this.send({ type: "ping", id: "lag" })) this.#pingSentAt = this.#pingAt;
  }

  /** Once a second: notice silence, and measure the round trip. */
  #tick() {
    if (this.#ws === null) return;
    const now = performance.now();
    if (this.#welcomedAt === 0) {
      if (now - this.#openedAt > WELCOME_MS) this.#giveUp("no welcome");
      return;
    }
    if (now - this.#heardAt > 2.5 * this.#heartbeatMs) {
      this.#giveUp("silence");
      return;
    }
    if (this.#pingSentAt !== 0) {
      const late = now - this.#pingSentAt > PONG_MS && now - this.#heardAt > PONG_MS;
      if (late && this.#state.name === "live") this.#set({ name: "stale" });
      return;
    }
    const seen = document.visibilityState === "visible";
    if (seen && now - this.#pingAt >= PING_MS) this.#ping();
  }

  /** Somebody looks again: what was put off while hidden is due. */
  #woken() {
    if (this.#state.name === "waiting") this.retryNow();
    else if (this.#welcomedAt !== 0) this.#ping();
  }

  #offline() {
    // A hub on this very machine is reached without any network.
    if (this.#ws === null && !this.#isLocal()) this.#stopAt({ name: "offline" });
  }

  #isLocal() {
    return /^(localhost|127\.|\[::1\])/.test(new URL(this.url).host);
  }

  /** @param {string} reason */
  #giveUp(reason) {
    const ws = this.#ws;
    this.#lost(1006, reason);
    ws?.close();
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    const now = performance.now();
    const good = this.#welcomedAt !== 0 && now - this.#welcomedAt > GOOD_MS;
    this.#ws = null;
    if (!mayReconnect(code)) {
      this.#stopAt({ name: "stopped", code, reason });
    } else if (!navigator.onLine && !this.#isLocal()) {
      this.#stopAt({ name: "offline", code, reason });
    } else {
      this.#failures = good ? 0 : this.#failures + 1;
      const wait = this.#askedWait ?? backoff(this.#failures, Math.random());
      this.#askedWait = null;
      this.#retry = setTimeout(() => this.retryNow(), wait);
      this.#set({ name: "waiting", until: now + wait, code, reason });
    }
  }

  /** @param {LinkState} state */
  #stopAt(state) {
    clearTimeout(this.#retry);
    this.#set(state);
  }

  /** @param {LinkState} state */
  #set(state) {
    this.#state = state;
    this.listener.changed(state);
  }
}
