/* The server's time, and what stands on the page in relation to it.
 *
 * Ages are reckoned by the server's clock, which every message tells; the browser's own may be wrong. While the page is
 * not live nothing ticks.
 */

import { isBusy } from "./holds.js";

const MODES = ["relative", "local", "utc"];
const KEPT = "obelisk.times";

class Clock {
  constructor() {
    this.mode = MODES.includes(localStorage.getItem(KEPT)) ? localStorage.getItem(KEPT) : "relative";
    this.base = null;
    this.isTicking = false;
  }

  /** Hear what time it is. */
  heard(now) {
    this.base = Date.parse(now);
    this.at = performance.now();
    if (!this.isTicking) {
      this.isTicking = true;
      this.tick();
    }
  }

  /** Milliseconds since the epoch. */
  now() {
    return this.base + performance.now() - this.at;
  }

  stop() {
    if (this.isTicking) {
      this.isTicking = false;
      for (const each of document.querySelectorAll("[data-since]")) {
        each.textContent = `≥ ${each.textContent.replace("≥ ", "")}`;
      }
    }
  }

  tick() {
    for (const each of document.querySelectorAll("time[datetime]")) {
      this.write(each);
    }
    if (this.isTicking) {
      for (const each of document.querySelectorAll("[data-since]")) {
        each.textContent = durationText(this.now() - Date.parse(each.dataset.since));
      }
    }
  }

  write(element) {
    const instant = new Date(element.dateTime);
    const titled = `${localText(instant)} · ${element.dateTime.slice(0, 26).replace("T", " ").replace("+00:00", "")} UTC`;
    if (element.title !== titled) {
      element.title = titled;
    }
    let text = element.dataset.given || element.textContent;
    if (this.mode !== "relative") {
      element.dataset.given = text;
      text = this.mode === "utc" ? element.dateTime.slice(11, 23) : localText(instant).slice(11);
    } else {
      delete element.dataset.given;
      if (this.isTicking && element.classList.contains("ob-time")) {
        text = ageText(instant.getTime() - this.now());
      }
    }
    if (element.textContent !== text && !isBusy(element)) {
      element.textContent = text;
    }
  }

  /** Show instants as ages, in the reader's time or in UTC, one after the other. */
  switchMode() {
    this.mode = MODES[(MODES.indexOf(this.mode) + 1) % MODES.length];
    localStorage.setItem(KEPT, this.mode);
    this.tick();
  }
}

export const clock = new Clock();

function two(number) {
  return String(number).padStart(2, "0");
}

function localText(instant) {
  const day = `${instant.getFullYear()}-${two(instant.getMonth() + 1)}-${two(instant.getDate())}`;
  const time = `${two(instant.getHours())}:${two(instant.getMinutes())}:${two(instant.getSeconds())}`;
  return `${day} ${time}.${String(instant.getMilliseconds()).padStart(3, "0")}`;
}

/* As `console.templatetags.console` writes them. */

function ageText(away) {
  if (away > 1000) {
    return `in ${roughText(away)}`;
  }
  return away < -1000 ? `${roughText(-away)} ago` : "now";
}

function roughText(length) {
  const seconds = Math.round(length / 1000);
  for (const [least, size, unit] of [[172800, 86400, "d"], [3600, 3600, "h"], [60, 60, "min"]]) {
    if (seconds >= least) {
      return `${Math.floor(seconds / size)} ${unit}`;
    }
  }
  return `${seconds} s`;
}

function durationText(length) {
  const seconds = Math.max(0, length / 1000);
  if (seconds < 59.95) {
    return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  }
  const whole = Math.round(seconds);
  for (const [size, unit, smaller, smallerUnit] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
    if (whole >= size) {
      return `${Math.floor(whole / size)} ${unit} ${two(Math.floor((whole % size) / smaller))} ${smallerUnit}`;
    }
  }
  return `${whole} s`;
}
