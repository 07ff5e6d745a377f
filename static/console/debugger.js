/* Moves the debugger from event to event without loading the page anew.
 *
 * Every move is a link of the page: the server writes what the address says, and this fetches the piece of the page that
 * changes. The next positions are fetched before anybody asks for them.
 */

const AHEAD = 10;
const MOST_KEPT = 60;
const SLOW_MS = 500;
const QUIET_MS = 150;
const LONG_MS = 3000;
const SETTLE_MS = 1000;

class Debugger {
  /** @param {HTMLElement} root Holds the panes; says where they come from. */
  constructor(root) {
    this.root = root;
    this.kept = new Map();
    this.direction = 1;
    this.isSliding = false;
    this.listen();
    this.settle();
    if (this.bar.dataset.pending !== undefined) {
      this.show(window.location.search);
    } else {
      this.prepare();
    }
  }

  get bar() {
    return this.root.querySelector("[data-version]");
  }

  get version() {
    return Number(this.bar.dataset.version);
  }

  get last() {
    return Number(this.bar.dataset.last);
  }

  listen() {
    this.root.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-move]");
      const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
      if (link !== null && isPlain) {
        event.preventDefault();
        this.go(link.search);
      }
    });
    this.root.addEventListener("submit", (event) => {
      if (event.target.matches(".ob-debug-number")) {
        event.preventDefault();
        this.go(`?v=${encodeURIComponent(event.target.elements.v.value)}`);
      }
    });
    this.root.addEventListener("input", (event) => {
      if (event.target.type === "range") {
        this.root.querySelector("#debug-number").value = event.target.value;
        // One entry of the history for each time that it is moved, not for each event that it passes.
        this.go(`?v=${event.target.value}`, { replaces: this.isSliding });
        this.isSliding = true;
      }
    });
    this.root.addEventListener("change", () => {
      this.isSliding = false;
    });
    document.addEventListener("keydown", (event) => this.press(event));
    window.addEventListener("popstate", () => this.show(window.location.search));
    this.root.closest("[data-topic]").addEventListener("console:live", ({ detail }) => this.hear(detail.cursor));
  }

  press(event) {
    const isTyping = event.target.closest('input:not([type="range"]), textarea, select, dialog, [contenteditable]') !== null;
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const link = [...this.root.querySelectorAll("a[data-hotkey]")].find((each) => each.dataset.hotkey === event.key);
    if (link !== undefined) {
      event.preventDefault();
      link.click();
    }
  }

  go(query, { replaces = false } = {}) {
    const address = window.location.pathname + query;
    if (replaces) {
      window.history.replaceState(null, "", address);
    } else if (query !== window.location.search) {
      window.history.pushState(null, "", address);
    }
    this.show(query);
  }

  /** Show a position; what was asked for before and has not come does not count any more. */
  async show(query) {
    this.asked?.abort();
    this.ahead?.abort();
    const asking = new AbortController();
    this.asked = asking;
    const quiet = window.setTimeout(() => this.say("Replaying …"), QUIET_MS);
    const long = window.setTimeout(() => this.say(`Still replaying up to ${this.last} events; the first time, its interpreter is built …`), LONG_MS);
    try {
      const html = this.kept.get(query) || (await this.fetch(query, asking.signal));
      this.take(html);
      this.say("");
      this.prepare();
    } catch (error) {
      if (error.name !== "AbortError") {
        this.say(`${error.message} `, { again: query });
      }
    } finally {
      window.clearTimeout(quiet);
      window.clearTimeout(long);
    }
  }

  async fetch(query, signal) {
    const response = await fetch(this.root.dataset.at + query, { headers: { Accept: "text/html" }, signal });
    if (!response.ok || response.redirected) {
      throw new Error(`The server did not answer as it should (${response.status}).`);
    }
    const html = await response.text();
    this.kept.set(query, html);
    if (this.kept.size > MOST_KEPT) {
      this.kept.delete(this.kept.keys().next().value);
    }
    return html;
  }

  take(html) {
    const before = this.version;
    window.Idiomorph.morph(this.root, html, { morphStyle: "innerHTML", callbacks: KEEP_OPEN });
    // Morphing leaves what somebody moved or typed, which is what the address says now.
    this.root.querySelector("#debug-slider").value = this.version;
    this.root.querySelector("#debug-number").value = this.version;
    if (this.version !== before) {
      this.direction = this.version < before ? -1 : 1;
    }
    this.settle();
  }

  /** Bring what counts into sight, within its pane. */
  settle() {
    for (const pane of this.root.querySelectorAll(".ob-lines, .ob-debug-events .ob-debug-list")) {
      const row = pane.querySelector(".ob-here");
      if (row === null) {
        continue;
      }
      const [outer, inner] = [pane.getBoundingClientRect(), row.getBoundingClientRect()];
      const margin = Math.min(60, outer.height / 4);
      if (inner.top < outer.top + margin || inner.bottom > outer.bottom - margin) {
        pane.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
      }
    }
  }

  /** Fetch the positions that people will most likely ask for next, as long as that is quick. */
  async prepare() {
    const ahead = new AbortController();
    this.ahead = ahead;
    for (let step = 1; step <= AHEAD; step += 1) {
      const version = this.version + step * this.direction;
      const query = `?v=${version}`;
      if (version < 0 || version > this.last || ahead.signal.aborted) {
        return;
      }
      if (this.kept.has(query)) {
        continue;
      }
      const begun = performance.now();
      try {
        await this.fetch(query, ahead.signal);
      } catch {
        return; // it is asked for again when somebody goes there
      }
      if (performance.now() - begun > SLOW_MS) {
        return;
      }
    }
  }

  /** The log has grown: what was shown of its end is out of date. */
  hear(cursor) {
    if (cursor?.version === undefined || cursor.version - 1 <= this.last) {
      return;
    }
    this.kept.clear();
    this.bar.dataset.last = cursor.version - 1;
    this.root.querySelector("[data-shows-last]").textContent = cursor.version - 1;
    this.root.querySelector("#debug-slider").max = cursor.version - 1;
    window.clearTimeout(this.settling);
    this.settling = window.setTimeout(() => this.show(`?v=${this.version}`), SETTLE_MS);
  }

  say(text, { again = null } = {}) {
    const status = this.root.querySelector("#debug-status");
    status.textContent = text;
    status.classList.toggle("ob-error", again !== null);
    this.root.setAttribute("aria-busy", text !== "" && again === null ? "true" : "false");
    if (again !== null) {
      const link = document.createElement("a");
      link.href = again || "?";
      link.dataset.move = "";
      link.textContent = "Try again";
      status.append(link);
    }
  }
}

/* What people have opened stays open. */
const KEEP_OPEN = { beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS") };

const root = document.getElementById("debug");
if (root !== null) {
  new Debugger(root);
}
