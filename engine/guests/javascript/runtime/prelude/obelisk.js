// The global `obelisk`: join sets, calls, timers and random values of a workflow, and what webhooks have of them.

import { ask, Refused } from "runtime:host";
import { ChildError, JoinSetExhaustedError, childError, sleepCancelled } from "runtime:errors";

const sets = new WeakMap();
// Of each join set, how many members it was given and how many responses were taken; by id.
const members = new Map();

// The value of a response; throws if it is an error.
function unwrap(response) {
  if ("err" in response) {
    throw childError(response);
  }
  return response.ok;
}

function text(value, what) {
  if (typeof value !== "string") {
    throw new TypeError(`${what} must be a string`);
  }
  return value;
}

function paramsOf(params) {
  if (!Array.isArray(params)) {
    throw new TypeError("params must be an array");
  }
  return params;
}

function integer(value, what) {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new RangeError(`${what} must be a whole number from 0 to 2^53 - 1, got ${value}`);
  }
  return number;
}

function attempt(what, op, body) {
  try {
    return ask(op, body);
  } catch (error) {
    if (error instanceof Refused) {
      throw Object.assign(new Error(`${what} failed: ${error.message}`), { code: error.code });
    }
    throw error;
  }
}

const UNITS = { milliseconds: 1_000, seconds: 1_000_000, minutes: 60_000_000, hours: 3_600_000_000, days: 86_400_000_000 };

// A schedule as the host takes it: now, in a while, or at a moment.
export function scheduleOf(value) {
  if (value === undefined || value === null) {
    return "now";
  }
  if (value instanceof Date) {
    return { at_us: integer(value.getTime(), "a date") * 1000 };
  }
  if (typeof value !== "object") {
    throw new TypeError("schedule must be an object");
  }
  for (const unit of Object.keys(UNITS)) {
    if (value[unit] !== undefined) {
      return { in_us: integer(value[unit], unit) * UNITS[unit] };
    }
  }
  if (value.at instanceof Date) {
    return scheduleOf(value.at);
  }
  if (value.at !== undefined) {
    if (typeof value.at !== "object" || value.at === null) {
      throw new TypeError("'at' must be a Date, or an object with seconds and nanoseconds");
    }
    const nanoseconds = integer(value.at.nanoseconds ?? 0, "nanoseconds");
    return { at_us: integer(value.at.seconds, "seconds") * 1_000_000 + Math.floor(nanoseconds / 1000) };
  }
  throw new TypeError("schedule has none of the keys milliseconds, seconds, minutes, hours, days, at, and is no Date");
}

export function setOf(joinSet) {
  const set = sets.get(joinSet);
  if (set === undefined) {
    throw new TypeError("the first argument must be a join set");
  }
  if (set.isClosed) {
    throw new Error("JoinSet has been closed");
  }
  return set.id;
}

// What a join set is to people who read logs and variables; of any other value nothing.
export function setText(value) {
  const set = sets.get(value);
  if (set === undefined) {
    return undefined;
  }
  const { submitted, taken } = members.get(set.id);
  return `<JoinSet ${set.id}: ${set.isClosed ? "closed" : `${submitted - taken} open, ${taken} taken`}>`;
}

export function callFunction(ffqn, params) {
  return unwrap(attempt("call", "call", { ffqn: text(ffqn, "ffqn"), params: paramsOf(params) }));
}

export function submitTo(set, ffqn, params) {
  const { id } = attempt("submit", "js_submit", { set, ffqn: text(ffqn, "ffqn"), params: paramsOf(params) });
  members.get(set).submitted += 1;
  return id;
}

export function scheduleFunction(ffqn, params, schedule, id) {
  const body = { ffqn: text(ffqn, "ffqn"), params: paramsOf(params), schedule };
  return attempt("schedule", "schedule", id === undefined ? body : { ...body, id }).id;
}

export function stubExecution(executionId, result) {
  attempt("stub", "stub", { id: text(executionId, "executionId"), result });
}

export function getResult(executionId) {
  return unwrap(attempt("get result", "result", { id: text(executionId, "executionId") }));
}

function nextOf(op, set) {
  try {
    const response = ask(op, { set });
    members.get(set).taken += 1;
    return unwrap(response);
  } catch (error) {
    if (error instanceof Refused && error.code === "all_processed") {
      throw new JoinSetExhaustedError();
    }
    if (error instanceof Refused && error.code === "pending") {
      return undefined;
    }
    throw error;
  }
}

export function awaitNext(set) {
  const value = nextOf("js_next", set);
  if (ask("js_last", { set }).id?.startsWith("Delay_")) {
    throw new Error("unexpected delay response in awaitNext");
  }
  return value;
}

class JoinSet {
  constructor(id) {
    sets.set(this, { id, isClosed: false });
    members.set(id, { submitted: 0, taken: 0 });
  }

  id() {
    return sets.get(this).id;
  }

  get lastId() {
    const { id, isClosed } = sets.get(this);
    return isClosed ? undefined : (ask("js_last", { set: id }).id ?? undefined);
  }

  submit(ffqn, params) {
    return submitTo(setOf(this), ffqn, params);
  }

  submitDelay(schedule) {
    const set = setOf(this);
    const { id } = ask("js_delay", { set, schedule: scheduleOf(schedule) });
    members.get(set).submitted += 1;
    return id;
  }

  joinNext() {
    return nextOf("js_next", setOf(this));
  }

  joinNextTry() {
    return nextOf("js_try", setOf(this));
  }

  close() {
    const set = sets.get(this);
    if (!set.isClosed) {
      set.isClosed = true;
      ask("js_close", { set: set.id });
    }
  }
}

function createJoinSet(options) {
  const name = typeof options === "string" ? options : options?.name;
  return new JoinSet(attempt("creating the join set", "js_create", { name: typeof name === "string" ? name : null }).set);
}

function sleep(schedule, name) {
  const body = { schedule: scheduleOf(schedule) };
  if (name !== undefined && name !== null) {
    body.name = text(name, "the name of a sleep");
  }
  const { expires_at_us, cancelled } = ask("sleep", body);
  if (cancelled) {
    throw sleepCancelled();
  }
  return new Date(expires_at_us / 1000);
}

export function randomU64(low, highInclusive) {
  if (low > highInclusive) {
    throw new RangeError(`the range ${low} to ${highInclusive} is empty`);
  }
  return ask("random", { u64: [low, highInclusive] }).value;
}

function randomString(minLength, maxLengthExclusive) {
  const [low, high] = [integer(minLength, "the least length"), integer(maxLengthExclusive, "the end of the lengths")];
  if (low >= high) {
    throw new RangeError(`there is no length from ${low} and below ${high}`);
  }
  return ask("random", { string: [low, high] }).value;
}

const COMMON = {
  ChildError,
  ChildExecutionError: ChildError,
  JoinSetExhaustedError,
};

const CALLS = {
  ...COMMON,
  call: callFunction,
  schedule(executionId, ffqn, params, at) {
    scheduleFunction(ffqn, params, scheduleOf(at), text(executionId, "executionId"));
  },
  executionIdGenerate: () => ask("new_id", {}).id,
};

const WORKFLOW = {
  ...CALLS,
  createJoinSet,
  sleep,
  getResult,
  stub: stubExecution,
  randomU64: (min, maxExclusive) => randomU64(integer(min, "min"), integer(maxExclusive, "max") - 1),
  randomU64Inclusive: (min, max) => randomU64(integer(min, "min"), integer(max, "max")),
  randomString,
};

// "pending_at" as JavaScript names it: "pendingAt".
function camel(name) {
  return name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
}

const WEBHOOK = {
  ...CALLS,
  sendSignal(executionId, name, payload = null, signalId = null) {
    const body = { id: text(executionId, "executionId"), name: text(name, "name"), payload };
    return attempt("sendSignal", "signal", signalId === null ? body : { ...body, signal_id: text(signalId, "signalId") })
      .is_new;
  },
  getStatus(executionId) {
    const answer = attempt("getStatus", "status", { id: text(executionId, "executionId") });
    const status = { status: camel(answer.status) };
    if (answer.pending_at_us !== undefined) {
      const seconds = Math.floor(answer.pending_at_us / 1_000_000);
      status.pendingAt = { seconds, nanoseconds: (answer.pending_at_us - seconds * 1_000_000) * 1000 };
    }
    if (answer.finished !== undefined) {
      status.finishedStatus = camel(answer.finished);
    }
    return status;
  },
  get: (executionId) => unwrap(attempt("get", "get", { id: text(executionId, "executionId") })),
  tryGet(executionId) {
    try {
      return unwrap(ask("try_get", { id: text(executionId, "executionId") }));
    } catch (error) {
      if (error instanceof Refused && error.code === "not_finished") {
        return undefined;
      }
      throw error;
    }
  },
};

export function makeObelisk(kind, facts) {
  const own = { executionIdCurrent: () => facts.execution_id };
  switch (kind) {
    case "workflow":
      return { ...WORKFLOW, ...own };
    case "webhook":
      return { ...WEBHOOK, ...own };
    default:
      return { ...COMMON, ...own };
  }
}
