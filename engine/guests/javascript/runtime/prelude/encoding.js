// TextEncoder, TextDecoder and base64.

import { decode, encode } from "runtime:native";

export function bytesOf(source, what = "the data") {
  if (source instanceof ArrayBuffer) {
    // Of so many bytes even if the buffer is resized: the runtime reads them by that length.
    return new Uint8Array(source, 0, source.byteLength);
  }
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  }
  throw new TypeError(`${what} must be an ArrayBuffer or a typed array`);
}

export function utf8(text) {
  return encode(String(text).toWellFormed());
}

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(text = "") {
    return utf8(text);
  }

  encodeInto(text, target) {
    let [read, written] = [0, 0];
    for (const character of String(text).toWellFormed()) {
      const bytes = encode(character);
      if (written + bytes.length > target.length) {
        break;
      }
      target.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

const UTF8_LABELS = ["utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"];

export class TextDecoder {
  #fatal;
  #ignoreBOM;
  #rest = new Uint8Array();
  #hasBegun = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!UTF8_LABELS.includes(String(label).trim().toLowerCase())) {
      throw new RangeError(`the encoding ${label} is not supported; only utf-8 is`);
    }
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() {
    return "utf-8";
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(source = new Uint8Array(), { stream = false } = {}) {
    let bytes = bytesOf(source);
    if (this.#rest.length > 0) {
      const joined = new Uint8Array(this.#rest.length + bytes.length);
      joined.set(this.#rest);
      joined.set(bytes, this.#rest.length);
      bytes = joined;
    }
    const end = stream ? bytes.length - unfinished(bytes) : bytes.length;
    this.#rest = bytes.slice(end);
    let text = decode(bytes.subarray(0, end), this.#fatal);
    if (!this.#hasBegun && !this.#ignoreBOM && text.startsWith("\uFEFF")) {
      text = text.slice(1);
    }
    this.#hasBegun = stream && (this.#hasBegun || end > 0);
    return text;
  }
}

// How many bytes at the end begin a character that is not complete.
function unfinished(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back];
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? back : 0;
    }
    if (byte < 0x80) {
      return 0;
    }
  }
  return 0;
}

export function toBase64(bytes) {
  return bytes.toBase64();
}

export function fromBase64(text) {
  return Uint8Array.fromBase64(text);
}
