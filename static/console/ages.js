/* Ages, such as "3 s ago", in the words of `console.templatetags.console.moment`. */

const UNITS = [
  [172_800, 86_400, "d"],
  [3600, 3600, "h"],
  [60, 60, "min"],
];

/**
 * Let all ages on the page be those of an instant.
 *
 * @param {number} now The server's clock, in milliseconds.
 * @param {(element: Element) => boolean} isBusy Whether an element must not be touched.
 */
export function tellAges(now, isBusy) {
  for (const time of document.querySelectorAll("time.ob-time")) {
    const text = relative((Date.parse(time.dateTime) - now) / 1000);
    if (time.textContent !== text && !isBusy(time)) {
      time.textContent = text;
    }
  }
}

function relative(seconds) {
  if (seconds > 1) {
    return `in ${rough(seconds)}`;
  }
  return seconds < -1 ? `${rough(-seconds)} ago` : "now";
}

function rough(seconds) {
  const unit = UNITS.find(([from]) => seconds >= from);
  return unit === undefined ? `${Math.floor(seconds)} s` : `${Math.floor(seconds / unit[1])} ${unit[2]}`;
}
