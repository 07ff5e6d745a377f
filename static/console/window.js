/* A window of the rows of a long table: however many rows there are, the page holds a few of them.
 *
 * Rows have numbers as keys and are in their order. Where every number is there (a log's versions), a row's place is
 * known from its number, and empty space stands for the rows that are not in the page. Otherwise more are read at
 * either end.
 */

import { isBusy } from "./holds.js";
import { rowOf } from "./live.js";

const MOST_ROWS = 200;
const SPARE_ROWS = 40;
const ASKED_ROWS = 80;
const NEAR_END_ROWS = 2;

export class RowWindow {
  /**
   * @param {HTMLElement} scroll What scrolls; says in its data where to ask and what is there.
   * @param {object|undefined} page The live page, if it is one.
   */
  constructor(scroll, page) {
    this.scroll = scroll;
    this.page = page;
    this.into = scroll.dataset.window;
    this.body = document.getElementById(this.into);
    this.empty = document.querySelector(`[data-empty="${this.into}"]`);
    this.range = document.querySelector("[data-range]");
    this.url = scroll.dataset.url;
    this.first = numberOf(scroll.dataset.first);
    this.end = numberOf(scroll.dataset.end);
    this.isIndexed = this.first !== null;
    this.older = numberOf(scroll.dataset.older);
    this.newer = numberOf(scroll.dataset.newer);
    this.told = Math.max(this.lastKey() || 0, this.isIndexed ? this.end - 1 : 0, page?.cursor[this.into] || 0);
    this.missed = null;
    this.waiting = 0;
    this.starts = 0;
    this.above = pad(this.body, "before");
    this.below = pad(this.body, "after");
    this.rowHeight = this.rows()[0]?.offsetHeight || 28;
    this.pad();
    scroll.addEventListener("scroll", () => this.look());
    new ResizeObserver(() => this.look()).observe(scroll);
    page?.register(this.into, this);
  }

  rows() {
    return [...this.body.querySelectorAll(":scope > [data-key]")];
  }

  row(key) {
    return this.body.querySelector(`:scope > [data-key="${key}"]`);
  }

  firstKey() {
    const row = this.body.querySelector(":scope > [data-key]");
    return row === null ? null : keyOf(row);
  }

  lastKey() {
    const rows = this.rows();
    return rows.length === 0 ? null : keyOf(rows[rows.length - 1]);
  }

  /** Whether what comes last is in the page. */
  hasEnd() {
    return this.newer === null;
  }

  /** Whether somebody reads the end, and nothing that he is busy with. */
  follows() {
    const left = this.scroll.scrollHeight - this.scroll.clientHeight - this.scroll.scrollTop;
    return this.hasEnd() && left <= NEAR_END_ROWS * this.rowHeight && !isBusy(this.scroll);
  }

  /* What comes by itself */

  /** Take the rows of a frame. */
  take(rows, frame, behind) {
    const follows = this.follows();
    const counted = this.into === "events" ? frame.cursor.version : (frame.cursor.response || 0) + 1;
    if (this.isIndexed && counted !== undefined) {
      this.end = Math.max(this.end, counted);
    }
    // Some were left out: what is in the page does not reach to those that came.
    const misses = this.into in SKIPPING && frame.skipped > 0;
    let added = misses ? frame.skipped : 0;
    // Whoever reads the end wants the newest, and they are here: asking for them would be late again.
    const startsAgain = misses && follows && this.reachesEnd(rows);
    if (misses && !startsAgain && this.hasEnd()) {
      this.newer = this.lastKey() === null ? (this.first || 0) - 1 : this.lastKey();
    }
    this.keepPlace(() => {
      if (startsAgain) {
        this.startAgain(rows);
      }
      for (const { key, html } of startsAgain ? [] : rows) {
        added += this.put(Number(key), html, follows) ? 1 : 0;
      }
      if (follows) {
        this.trimStart(MOST_ROWS - SPARE_ROWS);
      }
      this.pad();
    });
    if (follows && this.hasEnd()) {
      this.scroll.scrollTop = this.scroll.scrollHeight;
    } else if (follows) {
      this.toEnd();
    } else if (added > 0) {
      this.waiting += added;
      this.page?.notice("live-pill", `↓ ${this.waiting.toLocaleString("en")} new`, () => this.toEnd());
    }
    this.say();
  }

  /** Whether some rows are the last ones, and none is missing between them. */
  reachesEnd(rows) {
    return this.isIndexed && rows.length > 0 && rows.every(({ key }, place) => Number(key) === this.end - rows.length + place);
  }

  /** Have the last rows and nothing else; what is before them is read when somebody looks. */
  startAgain(rows) {
    this.body.replaceChildren(...rows.map(({ html }) => rowOf(html)));
    this.older = this.firstKey();
    this.told = Math.max(this.told, this.lastKey());
    this.missed = null;
    this.starts += 1;
    this.changed();
  }

  /** Put a row in its place, if that is in the page; tell whether it is a new one. */
  put(key, html, follows) {
    const old = this.row(key);
    if (old !== null) {
      this.page.replace(old, rowOf(html));
      return false;
    }
    const isNew = key > this.told;
    this.told = Math.max(this.told, key);
    const last = this.lastKey();
    if (last !== null && key < last) {
      // It was committed late.
      if (key > this.firstKey()) {
        this.rows().find((row) => keyOf(row) > key).before(rowOf(html));
      }
      return isNew;
    }
    const isNext = !this.isIndexed || key === (last === null ? this.first : last + 1);
    if (this.hasEnd() && (!isNext || (!follows && this.rows().length >= MOST_ROWS))) {
      this.newer = last === null ? key - 1 : last;
    }
    if (!this.hasEnd()) {
      this.missed = key;
      return isNew;
    }
    this.body.append(rowOf(html));
    this.changed();
    return isNew;
  }

  /* What is asked for */

  /** Read more where somebody looks. */
  look() {
    if (this.isLoading) {
      return;
    }
    const top = this.scroll.scrollTop;
    const bottom = top + this.scroll.clientHeight;
    const begin = this.body.offsetTop;
    const end = begin + this.body.offsetHeight;
    const margin = (SPARE_ROWS / 2) * this.rowHeight;
    if (this.isIndexed && this.end > this.first && (bottom < begin || top > end)) {
      this.load({ around: this.first + Math.floor(top / this.rowHeight) + 10 }, { replace: true });
    } else if (this.older !== null && top < begin + margin) {
      this.load({ before: this.older });
    } else if (!this.hasEnd() && bottom > end - margin) {
      this.load({ after: this.newer });
    }
    if (this.follows()) {
      this.waiting = 0;
      this.page?.notice("live-pill", "");
    }
    this.say();
  }

  /** Read a window of rows: in place of those that are there, or to go with them. */
  async load(place, { replace = false, then } = {}) {
    this.isLoading = true;
    let isRead = false;
    const starts = this.starts;
    try {
      const query = new URLSearchParams({ ...place, length: replace ? 2 * ASKED_ROWS : ASKED_ROWS });
      const response = await fetch(`${this.url}&${query}`, { headers: { Accept: "application/json" } });
      if (response.headers.get("Content-Type") !== "application/json") {
        throw new Error(response.redirected ? "you were logged out" : `the server answered with ${response.status}`);
      }
      const answer = await response.json();
      if (!response.ok) {
        throw new Error(answer.error);
      }
      // Rows that were to go with others are of no use without them.
      if (replace || starts === this.starts) {
        this.show(answer, place, replace);
      }
      isRead = true;
    } catch (error) {
      this.complain(`Could not be read: ${error.message}`);
    } finally {
      this.isLoading = false;
    }
    if (isRead) {
      then?.();
      this.look();
    }
  }

  show(answer, place, replace) {
    this.keepPlace(() => {
      const known = new Set(replace ? [] : this.rows().map((row) => row.dataset.key));
      const fresh = answer.rows.filter(({ key }) => !known.has(key)).map(({ html }) => rowOf(html));
      if (replace) {
        this.body.replaceChildren(...fresh);
        this.older = answer.older;
        this.newer = answer.newer;
      } else if (place.before !== undefined) {
        this.body.prepend(...fresh);
        this.older = answer.older;
        this.trimEnd(MOST_ROWS);
      } else {
        this.body.append(...fresh);
        this.newer = answer.newer;
        this.trimStart(MOST_ROWS);
      }
      if (this.hasEnd() && this.missed !== null && (this.lastKey() ?? -1) < this.missed) {
        // Meanwhile more came than was read.
        this.newer = this.lastKey();
      } else if (this.hasEnd()) {
        this.missed = null;
      }
      this.changed();
      this.pad();
    });
  }

  /** Show what comes last. */
  toEnd() {
    this.waiting = 0;
    const down = () => {
      this.scroll.scrollTop = this.scroll.scrollHeight;
    };
    if (this.hasEnd()) {
      down();
    } else {
      this.load({}, { replace: true, then: down });
    }
  }

  /** Show a row, and mark it. */
  toKey(key) {
    const mark = () => {
      const row = this.row(key);
      if (row !== null) {
        this.body.querySelectorAll(".ob-at").forEach((each) => each.classList.remove("ob-at"));
        row.classList.add("ob-at");
        this.scroll.scrollTop = row.offsetTop - this.scroll.clientHeight / 3;
        this.scroll.scrollIntoView({ block: "nearest", behavior: "instant" });
      }
    };
    if (this.row(key) !== null) {
      mark();
    } else {
      this.load({ around: key }, { replace: true, then: mark });
    }
  }

  /* What is in the page */

  /** Drop rows at the beginning that are more than a number. */
  trimStart(most) {
    const rows = this.rows();
    const spare = rows.slice(0, Math.max(0, rows.length - most));
    spare.forEach(drop);
    if (spare.length > 0) {
      this.older = this.firstKey();
    }
  }

  trimEnd(most) {
    const spare = this.rows().slice(most);
    spare.forEach(drop);
    if (spare.length > 0) {
      this.newer = this.lastKey();
    }
  }

  /** Let empty space stand for the rows that are not there. */
  pad() {
    if (this.isIndexed) {
      const first = this.firstKey();
      const before = first === null ? 0 : first - this.first;
      const behind = first === null ? 0 : Math.max(0, this.end - 1 - this.lastKey());
      this.above.style.height = `${before * this.rowHeight}px`;
      this.below.style.height = `${behind * this.rowHeight}px`;
    }
  }

  /** Do something to the rows without moving the first one in sight. */
  keepPlace(work) {
    const top = this.scroll.scrollTop;
    const anchor = this.rows().find((row) => row.offsetTop + row.offsetHeight > top);
    const before = anchor?.offsetTop;
    work();
    if (anchor?.isConnected && anchor.offsetTop !== before) {
      this.scroll.scrollTop = top + anchor.offsetTop - before;
    }
  }

  changed() {
    if (this.empty !== null) {
      this.empty.hidden = this.rows().length > 0;
    }
    this.scroll.dispatchEvent(new CustomEvent("console:rows"));
  }

  say() {
    if (this.range === null) {
      return;
    }
    const count = this.rows().length;
    const top = this.scroll.scrollTop;
    const seen = this.rows().filter(
      (row) => row.offsetTop + row.offsetHeight > top && row.offsetTop < top + this.scroll.clientHeight,
    );
    if (this.isIndexed && seen.length > 0) {
      const [from, to] = [keyOf(seen[0]), keyOf(seen[seen.length - 1])].map((key) => key.toLocaleString("en"));
      this.complain(`${from} to ${to} of ${(this.end - this.first).toLocaleString("en")}`);
    } else {
      const more = this.older !== null || !this.hasEnd() ? ", and more" : "";
      this.complain(count === 0 ? "" : `${count} rows here${more}`);
    }
  }

  complain(text) {
    if (this.range !== null && this.range.textContent !== text) {
      this.range.textContent = text;
    }
  }
}

/* Of these a frame brings the newest only, if there are very many. */
const SKIPPING = { events: true, responses: true };

function keyOf(row) {
  return Number(row.dataset.key);
}

function numberOf(text) {
  return text === undefined || text === "" ? null : Number(text);
}

function drop(row) {
  if (row.nextElementSibling?.dataset.of === row.id && row.nextElementSibling.classList.contains("ob-opened")) {
    row.nextElementSibling.remove();
  }
  row.remove();
}

function pad(body, side) {
  const element = document.createElement("tbody");
  element.className = "ob-pad";
  const row = document.createElement("tr");
  row.append(document.createElement("td"));
  element.append(row);
  body[side](element);
  return row;
}
