// Headers, Request and Response.

import { bytesOf, utf8, TextDecoder } from "runtime:encoding";
import { parse, stringify } from "runtime:host";
import { ReadableStream, collect } from "runtime:streams";
import { URL, URLSearchParams } from "runtime:url";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
export const NULL_BODY = [101, 103, 204, 205, 304];
export const REDIRECTS = [301, 302, 303, 307, 308];
const NORMALIZED = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

export class Headers {
  // Pairs of lower-case name and value, in order of arrival.
  #pairs = [];

  constructor(init) {
    if (init === undefined || init === null) {
      return;
    }
    if (typeof init !== "object") {
      throw new TypeError("headers must be an object, a list of pairs or Headers");
    }
    const pairs = typeof init[Symbol.iterator] === "function" ? [...init].map((pair) => [...pair]) : Object.entries(init);
    for (const pair of pairs) {
      if (pair.length !== 2) {
        throw new TypeError("a header is a pair of name and value");
      }
      this.append(...pair);
    }
  }

  append(name, value) {
    this.#pairs.push([headerName(name), headerValue(value)]);
  }

  set(name, value) {
    const [wanted, given] = [headerName(name), headerValue(value)];
    const first = this.#pairs.findIndex(([each]) => each === wanted);
    if (first < 0) {
      this.#pairs.push([wanted, given]);
      return;
    }
    this.#pairs[first] = [wanted, given];
    this.#pairs = this.#pairs.filter(([each], index) => index === first || each !== wanted);
  }

  get(name) {
    const wanted = headerName(name);
    const values = this.#pairs.filter(([each]) => each === wanted).map(([, value]) => value);
    return values.length > 0 ? values.join(", ") : null;
  }

  getSetCookie() {
    return this.#pairs.filter(([name]) => name === "set-cookie").map(([, value]) => value);
  }

  has(name) {
    const wanted = headerName(name);
    return this.#pairs.some(([each]) => each === wanted);
  }

  delete(name) {
    const wanted = headerName(name);
    this.#pairs = this.#pairs.filter(([each]) => each !== wanted);
  }

  *entries() {
    const names = [...new Set(this.#pairs.map(([name]) => name))].sort();
    for (const name of names) {
      if (name === "set-cookie") {
        yield* this.getSetCookie().map((value) => [name, value]);
      } else {
        yield [name, this.get(name)];
      }
    }
  }

  *keys() {
    for (const [name] of this.entries()) {
      yield name;
    }
  }

  *values() {
    for (const [, value] of this.entries()) {
      yield value;
    }
  }

  forEach(callback, self) {
    for (const [name, value] of this.entries()) {
      callback.call(self, value, name, this);
    }
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  get [Symbol.toStringTag]() {
    return "Headers";
  }

  // Every header by itself, as they go over the wire.
  static pairsOf(headers) {
    return headers.#pairs.map((pair) => [...pair]);
  }
}

function headerName(name) {
  const text = String(name);
  if (!TOKEN.test(text)) {
    throw new TypeError(`'${text}' is no name of a header`);
  }
  return text.toLowerCase();
}

function headerValue(value) {
  const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (/[\0\n\r]/.test(text) || /[^\0-\xff]/.test(text)) {
    throw new TypeError("the value of a header must be one line of Latin-1 characters");
  }
  return text;
}

// The bytes of a body or the stream that they come from, and the content type that goes with it.
function extract(body) {
  if (body === undefined || body === null) {
    return { bytes: null, type: null };
  }
  if (body instanceof ReadableStream) {
    return { bytes: null, stream: body, type: null };
  }
  if (typeof body[Symbol.asyncIterator] === "function") {
    return { bytes: null, stream: ReadableStream.from(body), type: null };
  }
  if (body instanceof URLSearchParams) {
    return { bytes: utf8(body.toString()), type: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) {
    return { bytes: bytesOf(body).slice(), type: null };
  }
  if (body instanceof Blob) {
    return { bytes: Blob.bytesOf(body), type: body.type || null };
  }
  return { bytes: utf8(body), type: "text/plain;charset=UTF-8" };
}

export class Blob {
  #bytes;

  constructor(parts = [], { type = "" } = {}) {
    const pieces = [...parts].map((part) => (part instanceof Blob ? part.#bytes : extract(part).bytes));
    this.#bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      this.#bytes.set(piece, at);
      at += piece.length;
    }
    this.type = String(type).toLowerCase();
  }

  get size() {
    return this.#bytes.length;
  }

  async text() {
    return new TextDecoder().decode(this.#bytes);
  }

  async arrayBuffer() {
    return this.#bytes.slice().buffer;
  }

  async bytes() {
    return this.#bytes.slice();
  }

  static bytesOf(blob) {
    return blob.#bytes;
  }
}

class Body {
  // One of them is null, or both.
  #bytes = null;
  #stream = null;
  #isUsed = false;

  static fill(body, bytes, stream = null) {
    body.#bytes = bytes;
    body.#stream = stream;
  }

  static flow(body, stream) {
    Body.fill(body, null, stream);
  }

  // The bytes without using them up; null for a stream.
  static peek(body) {
    return body.#bytes;
  }

  // The stream of a body whose bytes are yet to come, which is another's now.
  static take(body) {
    const stream = body.#bytes === null ? body.#stream : null;
    body.#isUsed ||= stream !== null;
    return stream;
  }

  get body() {
    if (this.#stream === null && this.#bytes !== null) {
      const bytes = this.#bytes.slice();
      this.#stream = new ReadableStream({
        start(controller) {
          controller.enqueue(bytes);
          controller.close();
        },
      });
    }
    return this.#stream;
  }

  get bodyUsed() {
    return this.#isUsed || (this.#stream !== null && ReadableStream.isDisturbed(this.#stream));
  }

  async #take() {
    if (this.bodyUsed || this.#stream?.locked) {
      throw new TypeError("the body was read already");
    }
    if (this.#bytes === null && this.#stream !== null) {
      return collect(this.#stream);
    }
    this.#isUsed = this.#bytes !== null;
    return this.#bytes ?? new Uint8Array();
  }

  async text() {
    return new TextDecoder().decode(await this.#take());
  }

  async json() {
    return parse(new TextDecoder().decode(await this.#take()));
  }

  async arrayBuffer() {
    return (await this.#take()).slice().buffer;
  }

  async bytes() {
    return (await this.#take()).slice();
  }

  async blob() {
    return new Blob([await this.#take()], { type: this.headers.get("content-type") ?? "" });
  }

  // The fields of a form, as an object.
  async formData() {
    const type = this.headers.get("content-type") ?? "";
    if (!type.startsWith("application/x-www-form-urlencoded")) {
      throw new TypeError(`formData() reads application/x-www-form-urlencoded only, not '${type}'`);
    }
    return Object.fromEntries(new URLSearchParams(new TextDecoder().decode(await this.#take())));
  }
}

export class Request extends Body {
  constructor(input, init = {}) {
    super();
    const from = input instanceof Request ? input : undefined;
    const url = from === undefined ? new URL(String(input)) : undefined;
    if (url && (url.username || url.password)) {
      throw new TypeError("the URL of a request must not hold a user name or password");
    }
    this.url = from?.url ?? url.href;
    this.method = methodOf(init.method ?? from?.method ?? "GET");
    this.headers = new Headers(init.headers ?? from?.headers);
    this.redirect = init.redirect ?? from?.redirect ?? "follow";
    this.signal = init.signal ?? from?.signal ?? null;
    const hasOwnBody = init.body !== undefined && init.body !== null;
    if (from !== undefined && !hasOwnBody && from.bodyUsed) {
      throw new TypeError("the body of the request was read already");
    }
    const { bytes, stream, type } = hasOwnBody ? extract(init.body) : bodyOf(from);
    if ((bytes !== null || stream) && (this.method === "GET" || this.method === "HEAD")) {
      throw new TypeError(`a ${this.method} request cannot have a body`);
    }
    if (type !== null && !this.headers.has("content-type")) {
      this.headers.set("content-type", type);
    }
    Body.fill(this, bytes, stream);
  }

  clone() {
    refuseStream(this);
    return new Request(this);
  }
}

function bodyOf(request) {
  return { bytes: request ? Body.peek(request) : null, stream: request ? Body.take(request) : null, type: null };
}

function refuseStream(message) {
  if (message.bodyUsed) {
    throw new TypeError("the body was read already");
  }
  if (Body.peek(message) === null && message.body !== null) {
    throw new TypeError("a body that is yet to come cannot be cloned; read it first");
  }
}

function methodOf(method) {
  const text = String(method);
  if (!TOKEN.test(text)) {
    throw new TypeError(`'${text}' is no HTTP method`);
  }
  const upper = text.toUpperCase();
  if (["CONNECT", "TRACE", "TRACK"].includes(upper)) {
    throw new TypeError(`the method ${upper} is not allowed`);
  }
  return NORMALIZED.includes(upper) ? upper : text;
}

export class Response extends Body {
  constructor(body, init = {}) {
    super();
    this.status = init.status === undefined ? 200 : Number(init.status);
    if (!Number.isInteger(this.status) || this.status < 200 || this.status > 599) {
      throw new RangeError(`the status of a response is 200 to 599, got ${init.status}`);
    }
    this.statusText = String(init.statusText ?? "");
    this.headers = new Headers(init.headers);
    this.url = "";
    this.redirected = false;
    this.type = "default";
    const { bytes, stream, type } = extract(body);
    if ((bytes !== null || stream) && NULL_BODY.includes(this.status)) {
      throw new TypeError(`a response of status ${this.status} has no body`);
    }
    if (type !== null && !this.headers.has("content-type")) {
      this.headers.set("content-type", type);
    }
    Body.fill(this, bytes, stream);
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  clone() {
    refuseStream(this);
    const copy = new Response(null, { status: this.status, statusText: this.statusText, headers: this.headers });
    Body.fill(copy, Body.peek(this));
    return Object.assign(copy, { url: this.url, redirected: this.redirected, type: this.type });
  }

  static json(data, init = {}) {
    const text = stringify(data);
    if (text === undefined) {
      throw new TypeError("the data cannot be written as JSON");
    }
    const response = new Response(text, init);
    if (!new Headers(init.headers).has("content-type")) {
      response.headers.set("content-type", "application/json");
    }
    return response;
  }

  static redirect(url, status = 302) {
    if (!REDIRECTS.includes(status)) {
      throw new RangeError(`the status of a redirect is one of ${REDIRECTS.join(", ")}, got ${status}`);
    }
    return new Response(null, { status, headers: { location: new URL(String(url)).href } });
  }

  static error() {
    const response = new Response(null);
    return Object.assign(response, { status: 0, type: "error" });
  }
}

export { Body };
