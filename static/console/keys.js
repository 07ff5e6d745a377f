/* Keys that every page knows, and the dialog that lists all keys. */

/** Whether a key belongs to a field, a dialog or the browser, and not to the page. */
export function isTyping(event) {
  const at = event.target;
  const isField = at instanceof Element && at.matches("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]");
  return isField || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null;
}

const dialog = document.getElementById("keys");

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || dialog === null) {
    return;
  }
  if (event.key === "?") {
    event.preventDefault();
    dialog.showModal();
  } else if (event.key === "/") {
    event.preventDefault();
    document.querySelector("[data-find]")?.click();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-show-keys]") !== null) {
    dialog.showModal();
  } else if (event.target === dialog) {
    dialog.close();
  }
});
