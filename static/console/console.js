/* What every page of the console does. */

import { clock } from "./clock.js";
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

const live = document.querySelector("[data-topic]");
if (live !== null) {
  const page = new LivePage(live);
  window.livePage = page;
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
