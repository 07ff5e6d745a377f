/* Keeps a page up to date over one socket.
 *
 * The page says what it shows and how far it is (its cursor); frames bring what came behind that. A frame is applied
 * whole, then acknowledged; the next one follows only then. Connecting again is the same as connecting.
 */

import { clock } from "./clock.js";
import { Holds } from "./holds.js";

const RETRIES_MS = [250, 500, 1000, 2000, 5000];
const STALE_AFTER_BEATS = 2.4;
const RENEWAL_MS = 1000; // least time between two questions for what is one's own

export class LivePage {
  /** @param {HTMLElement} page Says what it shows in its data attributes. */
  constructor(page) {
    this.page = page;
    this.indicator = document.getElementById("live");
    this.cursor = JSON.parse(page.dataset.cursor || "{}");
    this.windows = new Map();
    this.attempts = 0;
    this.isOver = false;
    this.isHeld = false;
    this.beatMs = 5000;
    this.lastHeard = null;
    this.saidAt = performance.now();
    this.holds = new Holds((isLong) => this.notice("held-pill", isLong ? "Updates held" : "", () => this.holds.end()));
    document.addEventListener("visibilitychange", () => this.looked());
    window.addEventListener("online", () => this.reconnectNow());
    window.setInterval(() => this.checkAge(), 1000);
  }

  /** Let somebody else take the rows that go into an element. */
  register(into, window) {
    this.windows.set(into, window);
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
    this.heardAt = performance.now();
    if (message.now !== undefined) {
      this.lastHeard = new Date(message.now);
    }
    if (message.t === "hello") {
      this.attempts = 0;
      this.beatMs = message.beat_s * 1000;
      this.checkBuild(message.build);
      this.subscribe();
    } else if (message.t === "frame") {
      if (this.isHeld) {
        // It was under way. Later the page asks again from where it is.
        return;
      }
      this.apply(message);
      this.pass(message);
      this.say({ t: "ack", n: message.n });
    } else if (message.t === "beat") {
      this.pass(message);
    } else if (message.t === "bye") {
      this.farewell(message);
      return;
    }
    if (this.isHeld) {
      this.show("held", "Held by you");
    } else {
      this.show("live", "Live");
      clock.heard(message.now);
    }
  }

  farewell({ why, again }) {
    if (why === "final") {
      this.isOver = true;
      this.show("final", "Final");
      clock.stop();
    } else if (!again) {
      this.isOver = true;
      this.show("stale", why);
      clock.stop();
    }
  }

  /** Tell the page's own scripts, which draw what is no HTML. */
  pass(message) {
    this.page.dispatchEvent(new CustomEvent("console:live", { detail: message }));
  }

  subscribe() {
    if (this.isHeld) {
      return;
    }
    const { topic, subject, view, keys, query, timeline } = this.page.dataset;
    const rows = keys === undefined ? [] : [...document.querySelectorAll(`${keys} [data-key]`)];
    const shown = rows.map((row) => row.dataset.key);
    const about = { topic, subject: subject || "", view: view || "", query: query || "", timeline: timeline || "" };
    this.say({ t: "sub", ...about, cursor: this.cursor, keys: shown });
    if (document.hidden) {
      this.say({ t: "hidden" });
    }
  }

  /** Say which window of a timeline is shown, and how much of what happened: what happens next comes with frames. */
  showTimeline(window, size) {
    this.page.dataset.timeline = window;
    this.cursor = { ...this.cursor, drawn: size };
    this.subscribe();
  }

  /** Somebody looks at the page again, or does not any more. */
  looked() {
    if (document.hidden) {
      this.say({ t: "hidden" });
    } else {
      // What it was spared lies behind its cursor.
      this.subscribe();
    }
  }

  /** Let nothing change until asked again. */
  toggleHold() {
    if (this.isOver) {
      return;
    }
    this.isHeld = !this.isHeld;
    if (this.isHeld) {
      this.say({ t: "held" });
      clock.stop();
      this.show("held", "Held by you");
    } else {
      this.show("reconnecting", "Catching up");
      this.subscribe();
    }
  }

  apply(frame) {
    const behind = this.cursor;
    for (const [id, html] of Object.entries(frame.regions)) {
      if (id === "tab-title") {
        document.title = html;
      } else {
        this.renew(document.getElementById(id), html);
      }
    }
    const rows = new Map();
    for (const row of frame.rows) {
      rows.set(row.into, [...(rows.get(row.into) || []), row]);
    }
    this.cursor = frame.cursor;
    for (const [into, window] of this.windows) {
      window.take(rows.get(into) || [], frame, behind);
      rows.delete(into);
    }
    for (const each of [...rows.values()].flat()) {
      this.put(document.getElementById(each.into), each);
    }
    // A page that was told no state with its cursor shows what there is.
    if (standing(behind) !== undefined && standing(frame.cursor) !== standing(behind)) {
      this.renewOwn();
    }
  }

  /**
   * Ask for what is different for everybody, such as the operations that one may carry out: frames are for all.
   *
   * It is a page of its own for the server. So one is under way at a time, and of those that are wanted meanwhile, or
   * soon after, one is asked for.
   */
  renewOwn() {
    const own = document.querySelectorAll("[data-own]");
    if (own.length === 0 || this.renewal !== undefined) {
      return;
    }
    const wait = Math.max(0, (this.renewedAt ?? -RENEWAL_MS) + RENEWAL_MS - performance.now());
    this.renewal = window.setTimeout(async () => {
      const began = standing(this.cursor);
      try {
        await this.readOwn(own);
      } finally {
        this.renewedAt = performance.now();
        this.renewal = undefined;
        if (standing(this.cursor) !== began) {
          this.renewOwn();
        }
      }
    }, wait);
  }

  async readOwn(own) {
    const response = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    if (response.ok) {
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const element of own) {
        const now = fresh.getElementById(element.id);
        this.renew(element, now === null ? "" : now.innerHTML);
      }
    }
  }

  /** Replace what an element holds, as soon as nobody is busy in it; what is read below it stays where it is. */
  renew(element, html) {
    if (element !== null) {
      this.holds.change(element, () =>
        keepPlace(element, () =>
          window.Idiomorph.morph(element, html, { morphStyle: "innerHTML", ignoreActiveValue: true, callbacks: KEEP }),
        ),
      );
    }
  }

  /** Put a row in place of the one of its key, or behind the others. */
  put(body, { key, html }) {
    if (body === null) {
      return;
    }
    const row = rowOf(html);
    const old = body.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (old === null) {
      body.append(row);
    } else {
      this.replace(old, row);
    }
  }

  /** Put a row in place of another, as soon as nobody is busy in that. */
  replace(old, row) {
    this.holds.change(old, () => {
      window.Idiomorph.morph(old, row, { callbacks: KEEP });
      old.classList.add("ob-changed");
      window.setTimeout(() => old.classList.remove("ob-changed"), 600);
    });
  }

  /** Show a text on a pill, and do something when it is pressed; without a text take it away. */
  notice(id, text, act) {
    let pill = document.getElementById(id);
    if (text === "") {
      pill?.remove();
      return;
    }
    if (pill === null) {
      pill = document.createElement("button");
      pill.id = id;
      pill.type = "button";
      pill.className = "ob-pill";
      pills().append(pill);
    }
    pill.onclick = () => {
      pill.remove();
      act();
    };
    pill.textContent = text;
  }

  checkBuild(build) {
    if (this.indicator.dataset.build !== build) {
      this.notice("build-pill", "The console was updated: reload", () => window.location.reload());
    }
  }

  closed() {
    if (this.isOver) {
      return;
    }
    const wait = RETRIES_MS[Math.min(this.attempts, RETRIES_MS.length - 1)];
    this.attempts += 1;
    clock.stop();
    if (!this.isStale()) {
      this.show("reconnecting", `Reconnecting, last ${clockText(this.lastHeard)}`);
    }
    this.retry = window.setTimeout(() => this.connect(), wait * (0.75 + Math.random() / 2));
  }

  reconnectNow() {
    if (!this.isOver && (this.socket === undefined || this.socket.readyState >= WebSocket.CLOSING)) {
      window.clearTimeout(this.retry);
      this.attempts = 0;
      this.connect();
    }
  }

  isStale() {
    return this.indicator.dataset.state === "stale";
  }

  checkAge() {
    if (this.isOver || this.socket === undefined) {
      return;
    }
    const limit = this.beatMs * STALE_AFTER_BEATS;
    if (performance.now() - this.saidAt > limit && !this.isStale()) {
      clock.stop();
      this.show("stale", `Stale since ${clockText(this.lastHeard)}`, () => this.reconnectNow());
    }
    if (performance.now() - this.heardAt > limit && this.socket.readyState <= WebSocket.OPEN) {
      // A connection on which nothing comes may never be told that it is lost.
      const given = this.socket;
      this.connect();
      given.close();
    } else if (!this.isStale() && !this.isHeld && clock.isTicking) {
      clock.tick();
    }
  }

  /** Say how fresh the page is, and offer a way out where there is one. */
  show(state, text, act) {
    if (state === "live" || state === "held") {
      this.saidAt = performance.now();
    }
    if (this.indicator.dataset.state === state && this.indicator.firstChild?.textContent === text) {
      return;
    }
    this.indicator.hidden = false;
    this.indicator.dataset.state = state;
    this.indicator.replaceChildren(text);
    if (act !== undefined) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Retry";
      button.addEventListener("click", act);
      this.indicator.append(button);
    }
    document.body.classList.toggle("ob-stale", state === "stale");
  }

  say(message) {
    if (this.socket !== undefined && this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }
}

/** By which number of a cursor it is known that what one may do may have changed. */
function standing(cursor) {
  return cursor.standing ?? cursor.state;
}

/** The element of a row's HTML. */
export function rowOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

const KEEP = {
  // What people have opened stays open, and what they have ticked stays ticked.
  beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS") && name !== "checked",
  // The value at an address never changes; somebody may have opened more of it.
  beforeNodeMorphed: (old, fresh) => old.dataset?.value === undefined || old.dataset.value !== fresh.dataset?.value,
  // What is somebody's alone, such as a row's actions, is in no frame.
  beforeNodeRemoved: (node) => !(node instanceof HTMLElement && node.dataset.keep !== undefined),
};

/** Do something that may change an element's height, without moving what is in sight below it. */
function keepPlace(element, work) {
  const below = element.getBoundingClientRect().bottom < 0 ? element.nextElementSibling : null;
  const before = below?.getBoundingClientRect().top;
  work();
  if (below) {
    window.scrollBy({ top: below.getBoundingClientRect().top - before, behavior: "instant" });
  }
}

function pills() {
  let holder = document.getElementById("pills");
  if (holder === null) {
    holder = document.createElement("div");
    holder.id = "pills";
    document.body.append(holder);
  }
  return holder;
}

function clockText(moment) {
  return moment === null ? "never" : moment.toISOString().slice(11, 19);
}
