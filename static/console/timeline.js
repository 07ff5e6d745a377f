/* The trace timeline: asks the server for what is in sight, shows it, and turns keys into windows.
 *
 * Instants are microseconds since the root's creation, places are pixels; the answer's pieces lead from one to the other.
 */

import { drawAxis, drawBars, drawOverview, drawWords, ROW_HEIGHT, wordsOf } from "./timeline_drawing.js";
import { Pointing } from "./timeline_pointing.js";
import { Rows } from "./timeline_rows.js";
import { spanText } from "./timeline_words.js";
import { TimelineTable } from "./timeline_table.js";

const SPARE_ROWS = 12;
const MOST_ROWS = 80;
const MOST_OPEN_CHARACTERS = 7500;
const RIGHT_MARGIN = 18; // for what stands at the right end
const REFRESH_MS = 250;
const HELD_MS = 1000;
const TELL_MS = 300;
const OLD_MS = 4000;
const ZOOM = 1.6;
const LEAST_WINDOW = 20;
const NOTHING_DUE = { factor: 1, x: null, share: 0 };

class Timeline {
  /** @param {HTMLElement} panel Says in its data where to ask. */
  constructor(panel) {
    this.panel = panel;
    this.url = panel.dataset.url;
    this.parts = {};
    for (const name of ["scroll", "canvas", "slice", "labels", "chart", "notes", "overview", "axis", "tip", "window", "count", "problem", "notice", "graph"]) {
      this.parts[name] = panel.querySelector(`.tl-${name}`);
    }
    this.table = new TimelineTable(panel.querySelector(".tl-table"), (first) => this.ask({ first }));
    this.pointing = new Pointing(this);
    this.rows = new Rows(this);
    this.answer = null;
    this.due = NOTHING_DUE;
    this.told = "";
    this.words = [];
    this.readAddress();
    this.listen();
    panel.classList.add("tl-loading");
    this.ask();
  }

  /* What is asked for */

  readAddress() {
    const query = new URLSearchParams(window.location.search);
    this.begin = numberOf(query.get("t0"));
    this.end = numberOf(query.get("t1"));
    this.chosen = query.has("open");
    this.opened = (query.get("open") || "").split(" ").filter(Boolean);
    this.showTable(query.has("table"));
  }

  writeAddress() {
    const query = new URLSearchParams(window.location.search);
    const put = (name, value) => (value === null ? query.delete(name) : query.set(name, value));
    put("t0", this.begin);
    put("t1", this.end);
    put("open", this.chosen ? this.opened.join(" ") : null);
    put("table", this.isTable ? "1" : null);
    const text = query.toString();
    window.history.replaceState(null, "", `${window.location.pathname}${text && `?${text}`}${window.location.hash}`);
  }

  /** Ask for what is in sight. One question is under way at a time; of those that come meanwhile only the last counts. */
  ask({ first = this.firstWanted() } = {}) {
    this.wish = { first };
    if (!this.isAsking) {
      this.answerWish();
    }
  }

  async answerWish() {
    this.isAsking = true;
    while (this.wish) {
      const query = this.query(this.wish.first);
      this.wish = null;
      try {
        const response = await fetch(`${this.url}?${query}`, { headers: { Accept: "application/json" } });
        if (response.headers.get("Content-Type") !== "application/json") {
          throw new Error(`the server answered with ${response.redirected ? "the page to log in" : response.status}; reload`);
        }
        const answer = await response.json();
        if (!response.ok) {
          throw new Error(answer.error);
        }
        this.complain("");
        this.show(answer);
      } catch (error) {
        this.panel.classList.remove("tl-loading");
        this.complain(`The timeline could not be read: ${error.message} `, { canRetry: true });
      }
    }
    this.isAsking = false;
    this.catchUp();
  }

  query(first) {
    const rows = this.isTable ? MOST_ROWS : Math.min(MOST_ROWS, Math.ceil(this.parts.scroll.clientHeight / ROW_HEIGHT) + 2 * SPARE_ROWS);
    const query = new URLSearchParams({
      width: Math.max(50, Math.min(8000, Math.floor(this.parts.chart.getBoundingClientRect().width || 800) - RIGHT_MARGIN)),
      first,
      rows: Math.max(rows, 2 * SPARE_ROWS),
      open: this.opened.join(" "),
      chosen: this.chosen,
    });
    if (this.begin !== null) {
      query.set("begin", this.begin);
    }
    if (this.end !== null) {
      query.set("end", this.end);
    }
    return query;
  }

  firstWanted() {
    if (this.isTable) {
      return this.table.first;
    }
    return Math.max(0, Math.floor(this.parts.scroll.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
  }

  /** Ask again because something happened; a few times a second at most. */
  refresh() {
    if (this.timer === undefined && !document.hidden) {
      // What somebody selects is not taken away.
      const pause = isSelecting(this.panel) ? HELD_MS : REFRESH_MS;
      const wait = Math.max(0, (this.shownAt || 0) + pause - performance.now());
      this.timer = window.setTimeout(() => {
        this.timer = undefined;
        if (isSelecting(this.panel)) {
          this.shownAt = performance.now();
          this.refresh();
        } else {
          this.ask();
        }
      }, wait);
    }
  }

  /* What is shown */

  show(answer) {
    this.answer = answer;
    this.shownAt = performance.now();
    this.opened = answer.opened;
    this.panel.classList.remove("tl-loading");
    this.panel.classList.add("tl-shown");
    const { parts } = this;
    parts.canvas.style.height = `${answer.total * ROW_HEIGHT}px`;
    parts.slice.style.top = `${answer.first * ROW_HEIGHT}px`;
    parts.count.textContent = `${answer.total.toLocaleString("en")} ${answer.total === 1 ? "row" : "rows"}`;
    parts.window.textContent = this.windowText();
    parts.notice.textContent = answer.notice;
    parts.notice.hidden = answer.notice === "";
    drawOverview(parts.overview, answer);
    drawAxis(parts.axis, answer);
    drawBars(parts, answer);
    const held = parts.labels.contains(document.activeElement);
    const words = wordsOf(answer);
    drawWords(parts, answer, words, this.words);
    this.words = words;
    this.rows.markTabStop(held);
    this.pointing.warm();
    this.table.show(answer);
    this.tell();
  }

  /** Say which window is shown, once it stands still: from then on the page's frames bring it. */
  tell() {
    window.clearTimeout(this.telling);
    const shown = String(this.query(this.answer.first));
    if (shown !== this.told && this.answer.goes_on) {
      this.told = "";
      this.telling = window.setTimeout(() => {
        this.told = shown;
        window.livePage?.showTimeline(shown, this.answer.size);
      }, TELL_MS);
    }
  }

  windowText() {
    const { begin, end, limit } = this.answer;
    return begin === 0 && end === limit ? `All of it, ${spanText(limit)}` : `${spanText(end - begin)} of ${spanText(limit)}, from ${spanText(begin)} on`;
  }

  complain(text, { canRetry = false } = {}) {
    this.parts.problem.textContent = text;
    this.parts.problem.hidden = text === "";
    if (canRetry) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "ob-button";
      button.textContent = "Retry";
      button.addEventListener("click", () => this.ask());
      this.parts.problem.append(button);
    }
  }

  showTable(isTable) {
    this.isTable = isTable;
    this.parts.graph.hidden = isTable;
    this.parts.graph.classList.toggle("ob-visually-hidden", isTable);
    this.table.hide(!isTable);
    this.panel.querySelector('[data-do="table"]').setAttribute("aria-pressed", String(isTable));
  }

  /* Time */

  timeAt(x, pieces = this.answer.pieces) {
    const piece = pieces.find((each) => x <= each.x1) || pieces[pieces.length - 1];
    return piece.t0 + ((x - piece.x0) / (piece.x1 - piece.x0)) * (piece.t1 - piece.t0);
  }

  look(begin, end) {
    const { limit } = this.answer;
    const from = Math.max(0, Math.round(Math.min(begin, limit - LEAST_WINDOW)));
    const to = Math.max(from + LEAST_WINDOW, Math.round(end));
    this.begin = from === 0 ? null : from;
    // A window that ends now goes on doing so.
    this.end = to >= limit ? null : to;
    this.writeAddress();
    this.ask();
  }

  zoomIn() {
    this.zoom(ZOOM);
  }

  zoomOut() {
    this.zoom(1 / ZOOM);
  }

  zoom(factor, x = null) {
    if (this.answer === null) {
      return;
    }
    const width = this.width();
    const at = x === null ? width / 2 : x;
    if (this.isAsking) {
      this.due = { ...this.due, factor: this.due.factor * factor, x };
    } else if (factor > 1) {
      this.look(this.timeAt(at - at / factor), this.timeAt(at + (width - at) / factor));
    } else {
      // Beyond the edges time passes as it does on the whole.
      const { begin, end } = this.answer;
      const more = (end - begin) * (1 / factor - 1);
      this.look(begin - (more * at) / width, end + more * (1 - at / width));
    }
  }

  /** Do what was asked for while an answer was under way: it is measured by what people see. */
  catchUp() {
    const { factor, x, share } = this.due;
    this.due = NOTHING_DUE;
    if (factor !== 1) {
      this.zoom(factor, x);
    } else if (share !== 0) {
      this.pan(share);
    }
  }

  /** Move in time by a part of the width; what is drawn short counts as short. */
  pan(share) {
    if (this.answer === null) {
      return;
    }
    if (this.isAsking) {
      this.due = { ...this.due, share: this.due.share + share };
      return;
    }
    const { begin, end, limit, pieces } = this.answer;
    const even = pieces.find((piece) => !piece.is_gap && piece.x1 > piece.x0);
    const scale = (even.t1 - even.t0) / (even.x1 - even.x0);
    const pixels = Math.min(Math.abs(share) * this.width(), (share < 0 ? begin : limit - end) / scale);
    if (share < 0) {
      this.look(begin - pixels * scale, this.timeAt(this.width() - pixels));
    } else {
      this.look(this.timeAt(pixels), end + pixels * scale);
    }
  }

  fit() {
    this.due = NOTHING_DUE;
    this.begin = null;
    this.end = null;
    this.writeAddress();
    this.ask();
  }

  width() {
    const { pieces } = this.answer;
    return pieces[pieces.length - 1].x1;
  }

  /* Rows */

  fold(key) {
    const row = this.answer.rows.find((each) => each.key === key);
    if (row === undefined || row.is_open === undefined) {
      return;
    }
    const opened = row.is_open ? this.opened.filter((each) => each !== key) : [...this.opened, key];
    if (opened.join(" ").length > MOST_OPEN_CHARACTERS) {
      this.complain("Too many rows are open; close some first.");
      return;
    }
    this.opened = opened;
    this.chosen = true;
    this.rows.focusKey = key;
    this.writeAddress();
    this.ask();
  }

  /* Events */

  listen() {
    const { parts } = this;
    const todo = { in: () => this.zoomIn(), out: () => this.zoomOut(), fit: () => this.fit(), table: () => this.toggleTable() };
    for (const button of this.panel.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => todo[button.dataset.do]());
    }
    parts.scroll.addEventListener("scroll", () => this.scrolled());
    new ResizeObserver(() => this.resized()).observe(this.panel);
    this.panel.closest("[data-topic]")?.addEventListener("console:live", (event) => this.heard(event.detail));
  }

  heard(message) {
    if (message.t === "frame") {
      // That of another window than is shown by now is of no use: what happens in this one comes once it was told.
      const isOurs = message.timeline && message.window === this.told && !this.isAsking;
      if (isOurs && !isSelecting(this.panel)) {
        this.show(message.timeline);
      } else if (isOurs || (message.final && this.answer?.goes_on !== false)) {
        this.refresh();
      }
    } else if (message.t === "beat" && this.end === null && this.answer?.goes_on && performance.now() - this.shownAt > OLD_MS) {
      this.refresh();
    }
  }

  toggleTable() {
    this.showTable(!this.isTable);
    this.writeAddress();
    this.ask();
  }

  scrolled() {
    this.pointing.hideTip();
    if (this.answer === null) {
      return;
    }
    const top = Math.floor(this.parts.scroll.scrollTop / ROW_HEIGHT);
    const bottom = top + Math.ceil(this.parts.scroll.clientHeight / ROW_HEIGHT);
    const { first, rows, total } = this.answer;
    if ((top < first + 2 && first > 0) || (bottom > first + rows.length - 2 && first + rows.length < total)) {
      this.ask();
    }
  }

  resized() {
    const width = Math.floor(this.parts.chart.getBoundingClientRect().width) - RIGHT_MARGIN;
    // The page's scroll bar comes with the rows: for so little, they are not asked for again.
    if (this.answer !== null && !this.isTable && Math.abs(width - this.width()) > RIGHT_MARGIN) {
      this.refresh();
    }
  }
}

function isSelecting(element) {
  const selection = window.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
}

function numberOf(text) {
  return text !== null && /^[0-9]{1,15}$/.test(text) ? Number(text) : null;
}

const panel = document.getElementById("timeline");
if (panel !== null) {
  new Timeline(panel);
}
