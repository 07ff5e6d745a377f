// Waiting for promises: the job queue, and the timers and requests of activities and webhooks.

import { drain } from "runtime:native";
import { ask } from "runtime:host";

// A run cannot be interrupted while the host pauses, so it is asked to for so long at once.
const MOST_US = 50_000;

let timers = [];
let lastNumber = 0;
let waited_us = 0;
// Requests that are under way, by the host's number.
const requests = new Map();

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
    if (!goOn()) {
      throw new Error(`${where}: a promise is awaited that nothing will ever resolve`);
    }
  }
  if ("error" in state) {
    throw state.error;
  }
  return state.result;
}

// Has the host send a request off and returns its number; `onEnd` is called with the answer.
export function send(request, onEnd) {
  const { request: number } = ask("http_begin", request);
  requests.set(number, { name: `${request.method} ${request.url}`, onEnd });
  return number;
}

export function giveUp(number) {
  requests.delete(number);
  ask("http_cancel", { request: number });
}

// How many requests are under way, and which.
export function underWay() {
  return requests.size;
}

export function unfinished() {
  return [...requests.values()].map(({ name }) => name);
}

// Lets time pass until a request has ended or a timer is due. Tells whether there was anything to wait for.
function goOn() {
  const next = timers.reduce((first, timer) => (first === undefined || timer.due < first.due ? timer : first), undefined);
  if (requests.size > 0) {
    const answer = ask("http_wait", { us: next === undefined ? null : Math.max(next.due - waited_us, 0) });
    waited_us += answer.waited_us;
    if (answer.request !== undefined) {
      const { onEnd } = requests.get(answer.request);
      requests.delete(answer.request);
      onEnd(answer);
      return true;
    }
  }
  if (next === undefined) {
    return requests.size > 0;
  }
  while (next.due > waited_us) {
    const us = Math.min(next.due - waited_us, MOST_US);
    ask("pause", { us });
    waited_us += us;
  }
  fire(next);
  return true;
}

function fire(timer) {
  if (timer.interval_us === undefined) {
    clear(timer.number);
  } else {
    timer.due = waited_us + timer.interval_us;
  }
  timer.callback(...timer.params);
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
