// Waiting for promises: the job queue, and the timers of activities and webhooks.

import { drain } from "runtime:native";
import { ask } from "runtime:host";

// A run cannot be interrupted while the host pauses, so it is asked to for so long at once.
const MOST_US = 50_000;

let timers = [];
let lastNumber = 0;
let waited_us = 0;

// What promises were rejected with that nobody handles, by promise.
export const rejections = new Map();

export function noteRejection(promise, reason, isHandled) {
  if (isHandled) {
    rejections.delete(promise);
  } else {
    rejections.set(promise, reason);
  }
}

// Returns what a value or promise comes to, or throws what it is rejected with.
export function settle(value, where) {
  if (typeof value?.then !== "function") {
    return value;
  }
  let state;
  Promise.resolve(value).then(
    (result) => (state = { result }),
    (error) => (state = { error }),
  );
  for (;;) {
    drain();
    if (state !== undefined) {
      break;
    }
    if (!fireNext()) {
      throw new Error(`${where}: a promise is awaited that nothing will ever resolve`);
    }
  }
  if ("error" in state) {
    throw state.error;
  }
  return state.result;
}

function fireNext() {
  if (timers.length === 0) {
    return false;
  }
  const next = timers.reduce((first, timer) => (timer.due < first.due ? timer : first));
  while (next.due > waited_us) {
    const us = Math.min(next.due - waited_us, MOST_US);
    ask("pause", { us });
    waited_us += us;
  }
  if (next.interval_us === undefined) {
    clear(next.number);
  } else {
    next.due = waited_us + next.interval_us;
  }
  next.callback(...next.params);
  return true;
}

function add(callback, milliseconds, params, isRepeated) {
  if (typeof callback !== "function") {
    throw new TypeError("a timer needs a function");
  }
  const delay_us = Math.max(Math.trunc(Number(milliseconds) || 0), isRepeated ? 1 : 0) * 1000;
  lastNumber += 1;
  const interval_us = isRepeated ? delay_us : undefined;
  timers.push({ number: lastNumber, due: waited_us + delay_us, interval_us, callback, params });
  return lastNumber;
}

function clear(number) {
  timers = timers.filter((timer) => timer.number !== number);
}

export const TIMERS = {
  setTimeout: (callback, milliseconds, ...params) => add(callback, milliseconds, params, false),
  setInterval: (callback, milliseconds, ...params) => add(callback, milliseconds, params, true),
  clearTimeout: clear,
  clearInterval: clear,
};
