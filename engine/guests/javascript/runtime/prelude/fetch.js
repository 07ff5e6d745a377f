// fetch: requests go out at once and their responses are waited for together.

import { fromBase64, toBase64 } from "runtime:encoding";
import { Refused } from "runtime:host";
import { Body, Headers, NULL_BODY, REDIRECTS, Request, Response } from "runtime:http";
import { giveUp, send, underWay } from "runtime:timers";

// How long a whole exchange may take, unless the request has a signal, which then says so.
const LONGEST_US = 60_000_000;
const MOST_UNDER_WAY = 32;
// What begins requests that wait for others to end.
const queue = [];

export async function fetch(input, init = {}) {
  const request = new Request(input, init);
  request.signal?.throwIfAborted();
  const url = request.url.replace(/#.*$/, "");
  if (Body.peek(request) === null && request.body !== null) {
    Body.fill(request, await request.bytes());
  }
  const answer = await answerTo(request, url);
  if (request.redirect === "error" && REDIRECTS.includes(answer.status)) {
    throw new TypeError(`fetch failed: ${url} redirects, which this request refuses`);
  }
  return received(answer, url);
}

function answerTo(request, url) {
  const { signal } = request;
  return new Promise((resolve, reject) => {
    let number;
    const leave = () => {
      signal?.removeEventListener("abort", onAbort);
      number = undefined;
    };
    const onAbort = () => {
      if (number !== undefined) {
        giveUp(number);
      }
      leave();
      reject(signal.reason);
      beginNext();
    };
    const onEnd = (answer) => {
      leave();
      answer.failed === undefined ? resolve(answer) : reject(failure(answer.failed, answer.message));
      beginNext();
    };
    const begin = () => {
      if (signal?.aborted) {
        return;
      }
      try {
        number = send(messageOf(request, url), onEnd);
      } catch (error) {
        leave();
        reject(error instanceof Refused ? failure(error.code, error.message) : error);
      }
    };
    signal?.addEventListener("abort", onAbort);
    queue.push(begin);
    beginNext();
  });
}

function beginNext() {
  while (queue.length > 0 && underWay() < MOST_UNDER_WAY) {
    queue.shift()();
  }
}

function messageOf(request, url) {
  const body = Body.peek(request);
  return {
    method: request.method,
    url,
    headers: Headers.pairsOf(request.headers),
    body: body === null ? null : toBase64(body),
    timeout_us: request.signal === null ? LONGEST_US : null,
    redirect: request.redirect === "follow" ? "follow" : "manual",
  };
}

function failure(code, message) {
  return Object.assign(new TypeError(`fetch failed: ${message}`), { code });
}

function received({ status, headers, body, url }, asked) {
  const response = new Response(null, { headers });
  Body.fill(response, NULL_BODY.includes(status) ? null : fromBase64(body));
  return Object.assign(response, { status, url: url ?? asked, redirected: url !== undefined && url !== asked, type: "basic" });
}
