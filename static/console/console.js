/* What every page of the console does. */

import { LivePage } from "./live.js";

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
    page.connect();
  } else {
    page.show("final", "Final");
  }
}
