/* Keeps a page up to date over one socket.
 *
 * The page says what it shows and how far it is (its cursor); frames bring what came behind that. A frame is applied
 * whole, then acknowledged; the next one follows only then. Connecting again is the same as connecting.
 */

import { tellAges } from "./ages.js";

const RETRIES_MS = [250, 500, 1000, 2000, 5000];
const STALE_AFTER_BEATS = 2.4;
const NEAR_END_PX = 80;

export class LivePage {
  /** @param {HTMLElement} page Says what it shows in its data attributes. */
  constructor(page) {
    this.page = page;
    this.indicator = document.getElementById("live");
    this.cursor = JSON.parse(page.dataset.cursor || "{}");
    this.attempts = 0;
    this.isOver = false;
    this.beatMs = 5000;
    this.lastHeard = null;
    this.build = null;
    this.waiting = 0;
    document.addEventListener("visibilitychange", () => this.say({ t: document.hidden ? "hidden" : "visible" }));
    window.addEventListener("online", () => this.reconnectNow());
    window.setInterval(() => this.checkAge(), 1000);
  }

  connect() {
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${window.location.host}/admin/live/`);
    this.socket = socket;
    this.heardAt = performance.now();
    // One that was given up has no say any more.
    socket.addEventListener("message", (event) => socket === this.socket && this.take(JSON.parse(event.data)));
    socket.addEventListener("close", () => socket === this.socket && this.closed());
  }

  take(message) {
    this.lastHeard = new Date(message.now || Date.now());
    this.heardAt = performance.now();
    if (message.t === "hello") {
      this.attempts = 0;
      this.beatMs = message.beat_s * 1000;
      this.checkBuild(message.build);
      this.subscribe();
      this.show("live", "Live");
    } else if (message.t === "frame") {
      this.apply(message);
      this.pass(message);
      this.say({ t: "ack", n: message.n });
      this.show("live", "Live");
    } else if (message.t === "beat") {
      this.pass(message);
      this.show("live", "Live");
    } else if (message.t === "bye") {
      this.isOver = true;
      if (message.why === "final") {
        this.show("final", "Final");
      } else {
        this.show("stale", message.why);
      }
    }
  }

  /** Tell the page's own scripts, which draw what is no HTML. */
  pass(message) {
    this.page.dispatchEvent(new CustomEvent("console:live", { detail: message }));
  }

  subscribe() {
    const { topic, subject, view, keys } = this.page.dataset;
    const shown = keys === undefined ? [] : [...document.querySelectorAll(`${keys} [data-key]`)].map((row) => row.dataset.key);
    this.say({ t: "sub", topic, subject: subject || "", view: view || "", cursor: this.cursor, keys: shown });
  }

  apply(frame) {
    for (const [id, html] of Object.entries(frame.regions)) {
      this.renew(document.getElementById(id), html);
    }
    if (frame.skipped > 0) {
      this.announce(`${frame.skipped} rows before these are not shown; reload to see them`);
    }
    let added = 0;
    const follows = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - NEAR_END_PX;
    for (const { into, key, html } of frame.rows) {
      const body = document.getElementById(into);
      if (body !== null) {
        added += this.put(body, key, html) ? 1 : 0;
      }
    }
    // A page that was told no state with its cursor shows what there is.
    const hasNewState = this.cursor.state !== undefined && frame.cursor.state !== this.cursor.state;
    this.cursor = frame.cursor;
    if (hasNewState) {
      this.renewOwn();
    }
    if (added > 0 && follows) {
      window.scrollTo({ top: document.documentElement.scrollHeight });
    } else if (added > 0) {
      this.waiting += added;
      this.announce(`↓ ${this.waiting} new`);
    }
  }

  /** Ask for what is different for everybody, such as the operations that one may carry out: frames are for all. */
  async renewOwn() {
    const own = document.querySelectorAll("[data-own]");
    if (own.length === 0) {
      return;
    }
    const response = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    if (response.ok) {
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const element of own) {
        const now = fresh.getElementById(element.id);
        this.renew(element, now === null ? "" : now.innerHTML);
      }
    }
  }

  /** Replace what an element holds, unless somebody is busy in it; tell whether it was. */
  renew(element, html) {
    if (element === null || isBusy(element)) {
      return;
    }
    window.Idiomorph.morph(element, html, { morphStyle: "innerHTML", ignoreActiveValue: true, callbacks: KEEP_OPEN });
  }

  /** Put a row in; tell whether it is a new one. */
  put(body, key, html) {
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    const row = template.content.firstElementChild;
    const old = body.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (old === null) {
      body.append(row);
      return true;
    }
    if (!isBusy(old)) {
      window.Idiomorph.morph(old, row, { callbacks: KEEP_OPEN });
      old.classList.add("ob-changed");
      window.setTimeout(() => old.classList.remove("ob-changed"), 600);
    }
    return false;
  }

  announce(text) {
    let pill = document.getElementById("live-pill");
    if (pill === null) {
      pill = document.createElement("button");
      pill.id = "live-pill";
      pill.type = "button";
      pill.className = "ob-pill";
      pill.addEventListener("click", () => {
        this.waiting = 0;
        pill.remove();
        window.scrollTo({ top: document.documentElement.scrollHeight });
      });
      document.body.append(pill);
    }
    pill.textContent = text;
  }

  checkBuild(build) {
    if (this.build !== null && this.build !== build) {
      this.announce("The console was updated: reload");
    }
    this.build = this.build || build;
  }

  closed() {
    if (this.isOver) {
      return;
    }
    const wait = RETRIES_MS[Math.min(this.attempts, RETRIES_MS.length - 1)];
    this.attempts += 1;
    this.show("reconnecting", `Reconnecting, last ${clock(this.lastHeard)}`);
    this.retry = window.setTimeout(() => this.connect(), wait * (0.75 + Math.random() / 2));
  }

  reconnectNow() {
    if (!this.isOver && this.socket.readyState >= WebSocket.CLOSING) {
      window.clearTimeout(this.retry);
      this.attempts = 0;
      this.connect();
    }
  }

  checkAge() {
    const isSilent = performance.now() - this.heardAt > this.beatMs * STALE_AFTER_BEATS;
    if (!this.isOver && this.lastHeard !== null && isSilent) {
      this.show("stale", `Stale since ${clock(this.lastHeard)}`);
      if (this.socket.readyState === WebSocket.OPEN || this.socket.readyState === WebSocket.CLOSING) {
        // A connection on which nothing comes may never be told that it is lost.
        this.socket.close();
        this.connect();
      }
    }
    // While it is not live nothing ticks: nobody knows whether what is shown still goes on.
    if (this.indicator.dataset.state === "live") {
      tellAges(this.lastHeard.getTime() + performance.now() - this.heardAt, isBusy);
    }
  }

  show(state, text) {
    this.indicator.hidden = false;
    this.indicator.dataset.state = state;
    this.indicator.textContent = text;
    document.body.classList.toggle("ob-stale", state === "stale");
  }

  say(message) {
    if (this.socket !== undefined && this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }
}

/* What people have opened stays open; what is theirs alone, such as a row's actions, is not in frames and stays, too. */
const KEEP_OPEN = {
  beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
  beforeNodeRemoved: (node) => !(node instanceof HTMLElement && node.dataset.keep !== undefined),
};

/** Whether somebody selects text, types or has the focus within an element. */
function isBusy(element) {
  const selection = window.getSelection();
  if (selection !== null && !selection.isCollapsed && selection.containsNode(element, true)) {
    return true;
  }
  const active = document.activeElement;
  return active !== null && element.contains(active) && active.matches("input, textarea, select");
}

function clock(moment) {
  return moment === null ? "never" : moment.toISOString().slice(11, 19);
}
