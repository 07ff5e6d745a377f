// The request that a webhook endpoint is given, and the response that it returns; bodies go piece by piece.

import { fromBase64, toBase64 } from "runtime:encoding";
import { ask, Refused } from "runtime:host";
import { Body, Headers, Request } from "runtime:http";
import { ReadableStream, chunkBytes } from "runtime:streams";

const MOST_BYTES = 64 << 10;

// {method, url, headers: [[name, value], ..]}
export function toRequest({ method, url, headers }) {
  const request = new Request(url, { method, headers });
  if (request.method !== "GET" && request.method !== "HEAD") {
    Body.flow(request, new ReadableStream({ pull }));
  }
  return request;
}

function pull(controller) {
  const { data } = ask("body", { most: MOST_BYTES });
  data === null ? controller.close() : controller.enqueue(fromBase64(data));
}

export async function sendResponse(response) {
  if (response.bodyUsed) {
    throw new TypeError("the body of the response was read already");
  }
  ask("respond", { status: response.status, headers: Headers.pairsOf(response.headers) });
  try {
    for await (const chunk of response.body ?? []) {
      write(chunkBytes(chunk));
    }
  } catch (error) {
    if (!(error instanceof Refused && error.code === "closed")) {
      throw error;
    }
    // The client went away; leaving the loop has cancelled the stream.
  }
}

function write(bytes) {
  for (let at = 0; at < bytes.length; at += MOST_BYTES) {
    ask("write", { data: toBase64(bytes.subarray(at, at + MOST_BYTES)) });
  }
}
