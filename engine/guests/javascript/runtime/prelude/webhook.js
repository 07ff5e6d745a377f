// The request that a webhook endpoint is given, and the response that it returns.

import { fromBase64, toBase64 } from "runtime:encoding";
import { Body, Headers, Request } from "runtime:http";

// {method, url, headers: [[name, value], ..], body: base64 or null}
export function toRequest({ method, url, headers, body }) {
  const request = new Request(url, { method, headers });
  if (body !== null) {
    Body.fill(request, fromBase64(body));
  }
  return request;
}

// {status, headers: [[name, value], ..], body: base64}
export function fromResponse(response) {
  const body = Body.peek(response);
  return {
    status: response.status,
    headers: Headers.pairsOf(response.headers),
    body: body === null ? "" : toBase64(body),
  };
}
