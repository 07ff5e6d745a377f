/* The list of executions: what is selected, and moving about by keys. */

import { isTyping } from "./keys.js";

const body = document.getElementById("executions");
const bulk = document.getElementById("bulk");
const all = document.getElementById("select-all");
const wholePage = document.getElementById("select-page");
const told = document.getElementById("selected");
const selected = new Set();

function boxes() {
  return body === null ? [] : [...body.querySelectorAll("input[name=selected]")];
}

/* Rows are replaced while they are ticked; what is selected is known here. */
function show() {
  if (told === null) {
    return;
  }
  for (const box of boxes()) {
    box.checked = selected.has(box.value);
  }
  wholePage.checked = selected.size > 0 && selected.size === boxes().length;
  wholePage.indeterminate = selected.size > 0 && !wholePage.checked;
  told.textContent = all.checked ? "All selected:" : selected.size > 0 ? `${selected.size} selected, or` : "Select some, or";
  for (const button of bulk.querySelectorAll("[data-bulk]")) {
    button.disabled = selected.size === 0 && !all.checked;
    button.title = button.disabled ? "Select executions first" : "";
  }
}

function toggle(id, on) {
  if (on) {
    selected.add(id);
  } else {
    selected.delete(id);
  }
  show();
}

document.addEventListener("change", (event) => {
  if (event.target === wholePage) {
    for (const box of boxes()) {
      toggle(box.value, wholePage.checked);
    }
  } else if (event.target === all) {
    show();
  } else if (event.target.name === "selected") {
    toggle(event.target.value, event.target.checked);
  }
});

document.querySelector("[data-topic]").addEventListener("console:live", show);
// Who comes back finds the boxes as the browser kept them.
window.addEventListener("pageshow", () => {
  for (const box of boxes()) {
    toggle(box.value, box.checked);
  }
  show();
});

// On a narrow screen the fields would be all that is seen.
document.getElementById("fields").open = !window.matchMedia("(max-width: 767px)").matches;

/* Keys: the row that is chosen is the one whose link has the focus. */

function rows() {
  return body === null ? [] : [...body.querySelectorAll("tr[data-key]")];
}

function chosen() {
  return document.activeElement?.closest("tr[data-key]") ?? null;
}

function move(step) {
  const found = rows();
  const at = found.indexOf(chosen());
  const next = at < 0 ? (step > 0 ? 0 : found.length - 1) : Math.min(Math.max(at + step, 0), found.length - 1);
  const row = found[next];
  row?.querySelector("a[href]").focus({ preventScroll: true });
  row?.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (isTyping(event)) {
    return;
  }
  const row = chosen();
  if (event.key === "j" || event.key === "k") {
    event.preventDefault();
    move(event.key === "j" ? 1 : -1);
  } else if (event.key === "x" && row !== null && told !== null) {
    toggle(row.dataset.key, !selected.has(row.dataset.key));
  } else if (event.key === "f") {
    event.preventDefault();
    document.querySelector("#filters input:not([type=hidden])").focus();
  } else if (event.key === "Escape" && selected.size > 0) {
    selected.clear();
    show();
  }
});
