// What the variables of a workflow's functions hold, for people who look at a copy of it.

import { frames as traceOf } from "runtime:errors";
import { shown } from "runtime:console";
import { stringify, write } from "runtime:host";
import { setText } from "runtime:obelisk";

const MOST_VARIABLES = 200;
const MOST_CHARACTERS = 200;
// QuickJS keeps `this` and the like among them, under names that no program can give.
const NO_NAME = /^(?:this|arguments)$|[^\w$\u0080-\uffff]/;

// The answer to the question, as engine/guests/host_call.py has it.
export function describeVariables(frames) {
  return write({
    answer: { frames: frames.map(({ variables, ...place }) => ({ ...place, locals: described(variables) })) },
  });
}

function described(variables) {
  const found = {};
  for (const [name, value] of variables) {
    if (!NO_NAME.test(name) && Object.keys(found).length < MOST_VARIABLES) {
      found[free(name, found)] = cut(written(value));
    }
  }
  return found;
}

// Blocks may have variables of the same name, and which of them counts cannot be told.
function free(name, found) {
  let number = 1;
  while (Object.hasOwn(found, number === 1 ? name : `${name} (${number})`)) {
    number += 1;
  }
  return number === 1 ? name : `${name} (${number})`;
}

function written(value) {
  try {
    switch (typeof value) {
      case "string":
        return stringify(value);
      case "bigint":
        return `${value}n`;
      case "function":
        return `function ${value.name}`;
      case "object":
        return value instanceof Error ? traceOf(value) : (setText(value) ?? `${classOf(value)}${shown(value)}`);
      default:
        return shown(value);
    }
  } catch {
    return `<${typeof value} that cannot be shown>`;
  }
}

// The name of an object's class, where that is not plain to see.
function classOf(value) {
  const name = value === null || Array.isArray(value) ? undefined : value.constructor?.name;
  return typeof name !== "string" || name === "" || name === "Object" ? "" : `${name} `;
}

function cut(text) {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;
}
