// Asking the host. The operations are listed in engine/guests/host_call.py.

import { call } from "runtime:native";

// As they were before any program ran: one that replaces them changes what it finds, not what the host is told.
export const { parse, stringify } = JSON;

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.name = "Refused";
    this.code = code;
  }
}

// The JSON text of a value. Halves of surrogate pairs, which no other language takes, become U+FFFD.
export function write(value) {
  const text = stringify(value);
  return text?.includes("\\ud") ? stringify(wellFormed(parse(text))) : text;
}

function wellFormed(value) {
  if (typeof value === "string") {
    return value.toWellFormed();
  }
  if (Array.isArray(value)) {
    return value.map(wellFormed);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]));
  }
  return value;
}

// Returns the answer; throws Refused if the host cannot do it.
export function ask(op, body) {
  const answer = parse(call(op, write(body)));
  if (answer.refused !== undefined) {
    throw new Refused(answer.refused, answer.message);
  }
  return answer;
}
