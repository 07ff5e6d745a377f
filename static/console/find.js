/* The quick search: Ctrl+K, a few letters, Enter. */

const dialog = document.getElementById("find");
const input = document.getElementById("find-text");
const results = document.getElementById("find-results");
const PAUSE_MS = 150;

let waiting = 0;
let asked = 0;

function open() {
  if (!dialog.open) {
    dialog.showModal();
    input.select();
  }
}

function options() {
  return [...results.querySelectorAll("[role=option]")];
}

function chosen() {
  return results.querySelector("[aria-selected=true]");
}

function choose(option) {
  chosen()?.removeAttribute("aria-selected");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", option?.id ?? "");
}

function move(step) {
  const all = options();
  const at = all.indexOf(chosen());
  choose(all[(at + step + all.length) % all.length]);
}

async function ask() {
  const number = (asked += 1);
  const response = await fetch(`${dialog.dataset.url}?s=${encodeURIComponent(input.value)}`);
  // An answer that comes late is to a question that nobody asks any more.
  if (response.ok && number === asked) {
    results.innerHTML = await response.text();
    choose(options()[0]);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    open();
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-find]") !== null) {
    open();
  } else if (event.target === dialog) {
    dialog.close();
  }
});
input.addEventListener("input", () => {
  window.clearTimeout(waiting);
  waiting = window.setTimeout(ask, PAUSE_MS);
});
input.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter") {
    event.preventDefault();
    window.location.assign(chosen()?.href ?? `${dialog.dataset.go}?q=${encodeURIComponent(input.value)}`);
  }
});
