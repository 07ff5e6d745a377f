/* The rows' names on a timeline: which one has the focus, and what keys and clicks on it do. */

import { ROW_HEIGHT } from "./timeline_drawing.js";
import { describe } from "./timeline_words.js";

const PAN = 0.2;
const FARTHEST = 12;

export class Rows {
  /** @param {object} timeline The timeline, with its parts. */
  constructor(timeline) {
    this.timeline = timeline;
    this.focusKey = null;
    this.isRestoring = false;
    const { labels } = timeline.parts;
    labels.addEventListener("keydown", (event) => this.keyed(event));
    labels.addEventListener("click", (event) => this.clicked(event));
    labels.addEventListener("focusin", (event) => this.focused(event));
    labels.addEventListener("focusout", () => timeline.pointing.hideTip());
  }

  markTabStop(takeFocus) {
    const rows = [...this.timeline.parts.labels.children];
    const row = rows.find((each) => each.dataset.key === this.focusKey) || rows[0];
    for (const each of rows) {
      each.tabIndex = each === row ? 0 : -1;
    }
    if (row !== undefined) {
      if (takeFocus) {
        // Nobody moved it, so there is nothing to tell.
        this.isRestoring = true;
        row.focus({ preventScroll: true });
        this.isRestoring = false;
      }
    }
  }

  moveFocus(by) {
    const rows = [...this.timeline.parts.labels.children];
    const at = rows.findIndex((row) => row.dataset.key === this.focusKey);
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
    if (next !== undefined) {
      this.focusRow(next);
    }
  }

  focusRow(row) {
    for (const each of this.timeline.parts.labels.children) {
      each.tabIndex = each === row ? 0 : -1;
    }
    this.focusKey = row.dataset.key;
    row.focus({ preventScroll: true });
    const index = this.timeline.answer.first + [...this.timeline.parts.labels.children].indexOf(row);
    const { scroll } = this.timeline.parts;
    const top = index * ROW_HEIGHT;
    if (top < scroll.scrollTop) {
      scroll.scrollTop = top;
    } else if (top + ROW_HEIGHT > scroll.scrollTop + scroll.clientHeight) {
      scroll.scrollTop = top + ROW_HEIGHT - scroll.clientHeight;
    }
  }

  keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const page = Math.max(1, Math.floor(this.timeline.parts.scroll.clientHeight / ROW_HEIGHT) - 1);
    const todo = {
      ArrowDown: () => this.moveFocus(1),
      ArrowUp: () => this.moveFocus(-1),
      PageDown: () => this.moveFocus(Math.min(page, FARTHEST)),
      PageUp: () => this.moveFocus(-Math.min(page, FARTHEST)),
      ArrowLeft: () => this.timeline.pan(-PAN),
      ArrowRight: () => this.timeline.pan(PAN),
      "+": () => this.timeline.zoomIn(),
      "=": () => this.timeline.zoomIn(),
      "-": () => this.timeline.zoomOut(),
      0: () => this.timeline.fit(),
      " ": () => this.timeline.fold(this.focusKey),
      Enter: () => event.target.closest(".tl-row")?.querySelector("a")?.click(),
    };
    if (todo[event.key] !== undefined && !(event.key === "Enter" && event.target.tagName === "A")) {
      event.preventDefault();
      todo[event.key]();
    }
  }

  clicked(event) {
    const row = event.target.closest(".tl-row");
    if (row !== null && (event.target.closest(".tl-fold") !== null || event.target.closest("a") === null)) {
      this.focusRow(row);
      this.timeline.fold(row.dataset.key);
    }
  }

  focused(event) {
    const row = event.target.closest(".tl-row");
    if (row !== null && !this.isRestoring && row.matches(":focus-visible")) {
      this.focusKey = row.dataset.key;
      const shown = this.timeline.answer.rows.find((each) => each.key === row.dataset.key);
      const place = row.getBoundingClientRect();
      this.timeline.pointing.showTip(describe(shown, null, this.timeline.answer.base), place.right + 8, place.bottom + 4);
    }
  }
}
