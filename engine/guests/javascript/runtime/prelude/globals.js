// What programs find in globalThis.

import { seed, setClock } from "runtime:native";
import { AbortController, AbortSignal, Event, EventTarget } from "runtime:abort";
import { console } from "runtime:console";
import { CryptoKey, SubtleCrypto, crypto, setRandomSource } from "runtime:crypto";
import { TextDecoder, TextEncoder } from "runtime:encoding";
import { Blob, Headers, Request, Response, fetch } from "runtime:http";
import { makeObelisk, randomU64 } from "runtime:obelisk";
import { TIMERS } from "runtime:timers";
import { URL, URLSearchParams } from "runtime:url";

const CLOCK = { real: 1, recorded: 2 };

function define(globals) {
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

define({
  AbortController,
  AbortSignal,
  Blob,
  CryptoKey,
  Event,
  EventTarget,
  Headers,
  Request,
  Response,
  SubtleCrypto,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  console,
  crypto,
});

function refuse(name, instead) {
  return () => {
    throw new Error(`${name} is not to be had in a workflow, whose every step must replay; ${instead}`);
  };
}

const WORKFLOW = {
  fetch: refuse("fetch", "call an activity"),
  setTimeout: refuse("setTimeout", "use obelisk.sleep({ milliseconds })"),
  setInterval: refuse("setInterval", "use obelisk.sleep({ milliseconds }) in a loop"),
  clearTimeout() {},
  clearInterval() {},
};

export function install(kind, facts) {
  setRandomSource(kind);
  define({ obelisk: makeObelisk(kind, facts) });
  if (kind === "workflow") {
    define({ ...WORKFLOW, process: { env: {} } });
    delete globalThis.performance;
    Math.random = () => randomU64(0, 2 ** 53 - 1) / 2 ** 53;
    setClock(CLOCK.recorded);
    return;
  }
  define({ ...TIMERS, fetch, process: { env: { ...facts.env } } });
  if (facts.seed) {
    seed(BigInt(`0x${facts.seed.slice(0, 16)}`));
  }
  setClock(CLOCK.real);
}
