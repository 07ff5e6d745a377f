/* What every page of the console does. */

import { clock } from "./clock.js";
import { showInTab } from "./favicon.js";
import { LivePage } from "./live.js";
import "./menus.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button !== null) {
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
    button.title = "Copied";
  }
  const ofText = event.target.closest("[data-copy-text]");
  if (ofText !== null) {
    await navigator.clipboard.writeText(ofText.dataset.copyText);
    ofText.title = "Copied";
  }
});

// Where there is no room for all tabs, the open one is in sight.
for (const open of document.querySelectorAll(".ob-tabs [aria-current]")) {
  const tabs = open.parentElement;
  tabs.scrollLeft = open.offsetLeft + open.offsetWidth / 2 - tabs.clientWidth / 2;
}

const live = document.querySelector("[data-topic]");
if (live !== null) {
  const page = new LivePage(live);
  window.livePage = page;
  showInTab();
  live.addEventListener("console:live", showInTab);
  if (live.dataset.final === undefined) {
    // The page's own scripts take part in it, and may not have come yet.
    document.addEventListener("DOMContentLoaded", () => page.connect());
  } else {
    page.isOver = true;
    page.show("final", "Final");
  }
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, dialog, [contenteditable]") !== null;
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  if (event.key === "p") {
    window.livePage?.toggleHold();
  } else if (event.key === "u") {
    clock.switchMode();
  }
});

// The theme's icons are words of a font; who listens to the page would hear "send Submit".
for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])")) {
  if (icon.parentElement.textContent.trim() !== icon.textContent.trim()) {
    icon.setAttribute("aria-hidden", "true");
  }
}
