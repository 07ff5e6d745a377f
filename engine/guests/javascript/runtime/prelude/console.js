// console.*: each call is one line of the execution's log.

import { ask, stringify } from "runtime:host";
import { frames } from "runtime:errors";
import { setText } from "runtime:obelisk";

const LEVELS = { trace: "trace", debug: "debug", log: "info", info: "info", warn: "warn", error: "error" };

// A value as people read it; never throws.
export function shown(value) {
  if (typeof value === "string") {
    return value;
  }
  if (value instanceof Error) {
    return frames(value);
  }
  try {
    return setText(value) ?? stringify(value, legible) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

// What JSON would leave out.
function legible(_key, value) {
  if (typeof value === "bigint") {
    return `${value}n`;
  }
  if (value instanceof Error) {
    return frames(value);
  }
  return setText(value) ?? (value instanceof Map || value instanceof Set ? [...value] : value);
}

// What the first value's %s, %d, %i, %f, %j, %o and %O stand for, and the values after them.
function line(values) {
  const [first, ...rest] = values;
  if (typeof first !== "string") {
    return values.map(shown).join(" ");
  }
  const text = first.replace(/%([sdifjoOc%])/g, (written, kind) => {
    if (kind === "%") {
      return "%";
    }
    return rest.length === 0 ? written : formatted(kind, rest.shift());
  });
  return [text, ...rest.map(shown)].join(" ");
}

function formatted(kind, value) {
  switch (kind) {
    case "d":
    case "f":
      return String(typeof value === "symbol" ? NaN : Number(value));
    case "i":
      return String(typeof value === "symbol" ? NaN : Math.trunc(Number(value)));
    case "c":
      return "";
    default:
      return shown(value);
  }
}

export const console = {
  ...Object.fromEntries(
    Object.entries(LEVELS).map(([name, level]) => [
      name,
      (...values) => void ask("log", { level, message: line(values) }),
    ]),
  ),
  dir: (value) => console.log(value),
  table: (value) => console.log(value),
  group: (...values) => console.log(...values),
  groupCollapsed: (...values) => console.log(...values),
  groupEnd() {},
  assert(holds, ...values) {
    if (!holds) {
      console.error("Assertion failed", ...values);
    }
  },
};
