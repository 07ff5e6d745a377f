/* The parts of an execution that are shown row by row: opening rows, jumping to one, copying values, filters. */

import { RowWindow } from "./window.js";

const windows = [...document.querySelectorAll("[data-window]")].map((each) => new RowWindow(each, window.livePage));

/* Opening */

async function fill(element, url) {
  element.textContent = "…";
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) {
      throw new Error(response.redirected ? "you were logged out" : `the server answered with ${response.status}`);
    }
    element.innerHTML = await response.text();
  } catch (error) {
    element.textContent = `It could not be read: ${error.message}`;
  }
}

function toggleRow(row) {
  const button = row.querySelector("[data-open]");
  const isOpen = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) {
    row.nextElementSibling.remove();
    return;
  }
  const opened = document.createElement("tr");
  opened.className = "ob-opened";
  opened.dataset.of = row.id;
  const cell = document.createElement("td");
  cell.colSpan = row.cells.length;
  opened.append(cell);
  row.after(opened);
  fill(cell, row.dataset.openUrl);
}

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-open-url]");
  if (row !== null && (event.target.closest("[data-open]") !== null || isPlainClick(event))) {
    toggleRow(row);
  }
});

function isPlainClick(event) {
  return event.target.closest("a, button, input, time, [tabindex]:not(.ob-window)") === null && window.getSelection().isCollapsed;
}

/* Long values come piece by piece. */
document.addEventListener(
  "toggle",
  (event) => {
    const more = event.target;
    if (more.dataset?.load !== undefined && more.open) {
      const piece = document.createElement("div");
      more.replaceWith(piece);
      fill(piece, more.dataset.load);
    }
  },
  true,
);

/* Places */

function jump(key) {
  const [events] = windows;
  window.history.replaceState(null, "", `${window.location.pathname}${window.location.search}#${letter(events)}${key}`);
  events.toKey(key);
}

function letter({ into }) {
  return into === "responses" ? "r" : "v";
}

function keyOfAddress() {
  const found = /^#(?:v|r|event-)([0-9]{1,15})$/.exec(window.location.hash);
  return found === null ? null : Number(found[1]);
}

if (windows.length > 0) {
  const [shown] = windows;
  const at = keyOfAddress() ?? (shown.scroll.dataset.at === undefined ? null : Number(shown.scroll.dataset.at));
  if (at === null) {
    shown.toEnd();
  } else {
    shown.toKey(at);
  }
  shown.say();
  window.addEventListener("hashchange", () => keyOfAddress() !== null && shown.toKey(keyOfAddress()));
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#v"], a[href^="#r"], a[href*="#v"], a[href*="#r"]');
    const isHere = link !== null && link.pathname === window.location.pathname && (shown.isIndexed || link.getAttribute("href").startsWith("#"));
    if (isHere && !event.ctrlKey && !event.metaKey && /^#[vr][0-9]+$/.test(link.hash)) {
      event.preventDefault();
      jump(Number(link.hash.slice(2)));
    }
  });
  document.querySelector("[data-jump]")?.addEventListener("submit", (event) => {
    const text = event.target.elements.version.value.trim();
    if (shown.isIndexed && /^[0-9]{1,15}$/.test(text)) {
      event.preventDefault();
      jump(Math.min(Number(text), shown.end - 1));
    }
  });
}

/* Filters */

for (const form of document.querySelectorAll("[data-auto]")) {
  form.addEventListener("change", (event) => event.target.matches("input[type=checkbox], select") && form.requestSubmit());
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, dialog") !== null;
  const field = document.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
  if (!isTyping && field !== null && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});

for (const button of document.querySelectorAll("[data-wrap]")) {
  button.addEventListener("click", () => {
    const isOn = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!isOn));
    document.getElementById(button.dataset.wrap).closest(".ob-window").classList.toggle("ob-unwrapped", isOn);
  });
}

/* Attempts: a line between what one run of an execution wrote and the next. */

function markRuns(body) {
  const runs = new Map();
  for (const row of body.querySelectorAll("[data-run]")) {
    const earlier = runs.get(row.dataset.of);
    row.classList.toggle("ob-new-run", earlier !== undefined && earlier !== row.dataset.run);
    runs.set(row.dataset.of, row.dataset.run);
  }
}

for (const each of windows.filter(({ into }) => into === "logs")) {
  markRuns(each.body);
  each.scroll.addEventListener("console:rows", () => markRuns(each.body));
}

/* The last few events, on the overview */

const latest = document.querySelector("[data-latest]");
if (latest !== null && window.livePage !== undefined) {
  const body = document.getElementById("events");
  window.livePage.register("events", {
    take(rows) {
      const isNew = ({ key }) => body.querySelector(`[data-key="${key}"]`) === null;
      const fresh = document.createElement("template");
      fresh.innerHTML = rows.filter(isNew).map(({ html }) => html).join("");
      body.append(fresh.content);
      const shown = [...body.querySelectorAll(":scope > [data-key]")];
      const isOpen = (row) => row.nextElementSibling?.classList.contains("ob-opened");
      shown.slice(0, Math.max(0, shown.length - Number(latest.dataset.latest))).filter((row) => !isOpen(row)).forEach((row) => row.remove());
    },
  });
}

/* Values */

function pointerOf(node, root) {
  const parts = [];
  for (let item = node.closest("li"); item !== null && root.contains(item); item = item.parentElement.closest("li")) {
    const name = item.querySelector(":scope > .ob-json-key");
    parts.unshift(name === null ? [...item.parentElement.children].indexOf(item) : name.dataset.name);
  }
  return parts.map((part) => `/${part}`).join("");
}

function select(node) {
  const payload = node.closest(".ob-payload");
  const pointer = decodeURIComponent(payload.dataset.pointer + pointerOf(node, payload));
  payload.querySelectorAll(".ob-chosen").forEach((each) => each.classList.remove("ob-chosen"));
  node.classList.add("ob-chosen");
  payload.dataset.chosen = pointer;
  const shown = payload.querySelector(".ob-pointer");
  shown.textContent = pointer;
  shown.hidden = false;
  payload.querySelector("[data-copy-path]").hidden = false;
}

document.addEventListener("click", (event) => {
  const name = event.target.closest(".ob-payload .ob-json-key, .ob-payload .ob-json-number, .ob-payload .ob-json-word");
  if (name !== null) {
    select(name);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches(".ob-payload .ob-json-key")) {
    select(event.target);
  }
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-value], [data-copy-path]");
  if (button === null) {
    return;
  }
  const payload = button.closest(".ob-payload");
  const pointer = payload.dataset.chosen ?? payload.dataset.pointer;
  try {
    let text = pointer;
    if (button.dataset.copyValue !== undefined) {
      // As it is stored, to the last digit: what is shown may be cut.
      const response = await fetch(`${payload.dataset.value.split("?")[0]}?${new URLSearchParams({ at: pointer })}`);
      if (!response.ok) {
        throw new Error(`the server answered with ${response.status}`);
      }
      text = await response.text();
    }
    await navigator.clipboard.writeText(text);
    told(button, "Copied");
  } catch (error) {
    told(button, `Not copied: ${error.message}`);
  }
});

function told(button, text) {
  const given = button.dataset.given || button.textContent;
  button.dataset.given = given;
  button.textContent = text;
  window.setTimeout(() => {
    button.textContent = given;
  }, 1500);
}
