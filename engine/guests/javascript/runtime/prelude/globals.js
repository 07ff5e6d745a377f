// What programs find in globalThis.

import { seed, setClock } from "runtime:native";
import { AbortController, AbortSignal, Event, EventTarget } from "runtime:abort";
import { structuredClone } from "runtime:clone";
import { console } from "runtime:console";
import { CryptoKey, SubtleCrypto, crypto, setRandomSource } from "runtime:crypto";
import { TextDecoder, TextEncoder } from "runtime:encoding";
import { fetch } from "runtime:fetch";
import { Blob, Headers, Request, Response } from "runtime:http";
import { makeObelisk, randomU64 } from "runtime:obelisk";
import { ReadableStream } from "runtime:streams";
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
  ReadableStream,
  Request,
  Response,
  SubtleCrypto,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  console,
  crypto,
  structuredClone,
});

function refuse(name, instead) {
  return () => {
    throw new Error(`${name} is not to be had in a workflow, whose every step must replay; ${instead}`);
  };
}

// When garbage is collected must not be seen: another version of the runtime, which replays, would do it elsewhere.
class StrongRef {
  #target;

  constructor(target) {
    if (Object(target) !== target && (typeof target !== "symbol" || Symbol.keyFor(target) !== undefined)) {
      throw new TypeError("a WeakRef needs an object");
    }
    this.#target = target;
  }

  deref() {
    return this.#target;
  }
}

class SilentRegistry {
  register() {}

  unregister() {
    return false;
  }
}

const WORKFLOW = {
  WeakRef: StrongRef,
  FinalizationRegistry: SilentRegistry,
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
