// Asking the host. The operations are listed in engine/guests/host_call.py.

import { call } from "runtime:native";

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.name = "Refused";
    this.code = code;
  }
}

// Returns the answer; throws Refused if the host cannot do it.
export function ask(op, body) {
  const answer = JSON.parse(call(op, JSON.stringify(body)));
  if (answer.refused !== undefined) {
    throw new Refused(answer.refused, answer.message);
  }
  return answer;
}
