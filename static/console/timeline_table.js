/* The timeline as a table, for those whom bars do not help. */

import { spanText } from "./timeline_words.js";

const HEADINGS = ["What", "State", "Began after", "Took", "In words"];

export class TimelineTable {
  /**
   * @param {HTMLElement} place Where it is.
   * @param {(first: number) => void} ask Asks for the rows from a number on.
   */
  constructor(place, ask) {
    this.place = place;
    this.ask = ask;
    this.first = 0;
  }

  hide(isHidden) {
    this.place.hidden = isHidden;
  }

  show(answer) {
    this.first = answer.first;
    if (this.place.hidden) {
      return;
    }
    const table = document.createElement("table");
    table.className = "ob-table ob-folding";
    const head = table.createTHead().insertRow();
    for (const text of HEADINGS) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = text;
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of answer.rows) {
      fill(body.insertRow(), row);
    }
    this.place.replaceChildren(table, this.pager(answer));
  }

  pager({ first, rows, total }) {
    const pager = document.createElement("nav");
    pager.className = "ob-pager";
    const behind = first + rows.length;
    const text = document.createElement("span");
    text.className = "ob-subtle";
    text.textContent = `${(first + 1).toLocaleString("en")} to ${behind.toLocaleString("en")} of ${total.toLocaleString("en")}`;
    pager.append(text);
    if (first > 0) {
      pager.append(this.button("‹ Before", Math.max(0, first - rows.length)));
    }
    if (behind < total) {
      pager.append(this.button("After ›", behind));
    }
    return pager;
  }

  button(text, first) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ob-button";
    button.textContent = text;
    button.addEventListener("click", () => this.ask(first));
    return button;
  }
}

function fill(line, row) {
  const name = document.createElement(row.url ? "a" : "span");
  name.textContent = row.name;
  if (row.url) {
    name.href = row.url;
  }
  const first = line.insertCell();
  first.style.setProperty("--tl-depth", row.depth);
  first.append(name);
  const took = row.end === undefined ? "goes on" : spanText(row.end - row.begin);
  [row.state ? row.state.word : "", spanText(row.begin), took, row.note || ""].forEach((text, at) => {
    const cell = line.insertCell();
    cell.textContent = text;
    cell.dataset.label = HEADINGS[at + 1];
  });
}
