/* The tab's icon tells an execution's state to whoever looks at another tab: a colour, and a shape that says the same. */

const SHAPES = {
  "ob-ok": "M9 16l5 5 9-10",
  "ob-error": "M10 10l12 12M22 10L10 22",
  "ob-failed": "M10 10l12 12M22 10L10 22",
  "ob-cancelled": "M10 10l12 12M22 10L10 22",
  "ob-paused": "M12 9v14M20 9v14",
};
const GOES_ON = "M11 16h10";

let shown = null;

/** Show the state that the page shows; nothing if it shows none. */
export function showInTab() {
  const badge = document.querySelector("#head .ob-badge");
  const icon = document.querySelector('link[rel="icon"]');
  if (badge === null || icon === null || badge.className === shown) {
    return;
  }
  shown = badge.className;
  const shape = Object.entries(SHAPES).find(([state]) => badge.classList.contains(state))?.[1] ?? GOES_ON;
  const { backgroundColor, color } = window.getComputedStyle(badge);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${color}"/><path d="${shape}" fill="none" stroke="${backgroundColor}" stroke-width="4" stroke-linecap="round"/></svg>`;
  icon.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
