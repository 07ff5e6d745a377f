// console.*: each call is one line of the execution's log.

import { ask } from "runtime:host";
import { frames } from "runtime:errors";

const LEVELS = { trace: "trace", debug: "debug", log: "info", info: "info", warn: "warn", error: "error" };

function shown(value) {
  if (typeof value === "string") {
    return value;
  }
  if (value instanceof Error) {
    return frames(value);
  }
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function line(values) {
  return values.map(shown).join(" ");
}

export const console = {
  ...Object.fromEntries(
    Object.entries(LEVELS).map(([name, level]) => [
      name,
      (...values) => void ask("log", { level, message: line(values) }),
    ]),
  ),
  assert(holds, ...values) {
    if (!holds) {
      console.error("Assertion failed", ...values);
    }
  },
};
