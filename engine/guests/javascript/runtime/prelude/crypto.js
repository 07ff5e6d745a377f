// crypto: random values, digests and HMAC. The host computes.

import { ask } from "runtime:host";
import { bytesOf, fromBase64, toBase64 } from "runtime:encoding";

const DIGEST_BYTES = { "SHA-1": 20, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64 };
const BLOCK_BYTES = { "SHA-1": 64, "SHA-256": 64, "SHA-384": 128, "SHA-512": 128 };
const MOST_RANDOM_BYTES = 65536;
const keys = new WeakMap();

function failure(name, message) {
  return new DOMException(message, name);
}

function hashName(hash) {
  const name = String(hash?.name ?? hash).toUpperCase();
  if (!(name in DIGEST_BYTES)) {
    throw failure("NotSupportedError", `the hash ${name} is not supported; known are ${Object.keys(DIGEST_BYTES).join(", ")}`);
  }
  return name;
}

function checkHmac(algorithm) {
  const name = String(algorithm?.name ?? algorithm);
  if (name.toUpperCase() !== "HMAC") {
    throw failure("NotSupportedError", `the algorithm ${name} is not supported; only HMAC is`);
  }
}

class CryptoKey {
  constructor(bytes, hash, extractable, usages) {
    keys.set(this, bytes);
    this.type = "secret";
    this.extractable = Boolean(extractable);
    this.algorithm = { name: "HMAC", hash: { name: hash }, length: bytes.length * 8 };
    this.usages = [...usages];
    Object.freeze(this);
  }
}

function keyBytes(key, usage) {
  if (!(key instanceof CryptoKey)) {
    throw new TypeError("the key must be a CryptoKey");
  }
  if (!key.usages.includes(usage)) {
    throw failure("InvalidAccessError", `the key is not made to ${usage}`);
  }
  return keys.get(key);
}

function checkUsages(usages) {
  if (!Array.isArray(usages)) {
    throw new TypeError("the key usages must be an array");
  }
  if (usages.length === 0 || usages.some((usage) => usage !== "sign" && usage !== "verify")) {
    throw failure("SyntaxError", "the usages of an HMAC key are sign and verify");
  }
}

function hmac(key, usage, data) {
  const bytes = keyBytes(key, usage);
  const hash = key.algorithm.hash.name;
  return fromBase64(ask("hmac", { hash, key: toBase64(bytes), data: toBase64(bytesOf(data)) }).value);
}

function isEqual(left, right) {
  let difference = left.length ^ right.length;
  for (let i = 0; i < left.length; i += 1) {
    difference |= left[i] ^ (right[i] ?? 0);
  }
  return difference === 0;
}

class SubtleCrypto {
  async digest(algorithm, data) {
    return fromBase64(ask("digest", { hash: hashName(algorithm), data: toBase64(bytesOf(data)) }).value).buffer;
  }

  async importKey(format, data, algorithm, extractable, usages) {
    if (format !== "raw") {
      throw failure("NotSupportedError", `the key format ${format} is not supported; only raw is`);
    }
    checkHmac(algorithm);
    checkUsages(usages);
    if (algorithm.hash === undefined) {
      throw failure("DataError", "an HMAC key needs a hash");
    }
    return new CryptoKey(bytesOf(data, "the key").slice(), hashName(algorithm.hash), extractable, usages);
  }

  async generateKey(algorithm, extractable, usages) {
    checkHmac(algorithm);
    checkUsages(usages);
    const hash = hashName(algorithm.hash);
    const bits = algorithm.length ?? BLOCK_BYTES[hash] * 8;
    return new CryptoKey(randomBytes(Math.ceil(bits / 8)), hash, extractable, usages);
  }

  async exportKey(format, key) {
    if (format !== "raw") {
      throw failure("NotSupportedError", `the key format ${format} is not supported; only raw is`);
    }
    if (!key.extractable) {
      throw failure("InvalidAccessError", "the key is not extractable");
    }
    return keys.get(key).slice().buffer;
  }

  async sign(algorithm, key, data) {
    checkHmac(algorithm);
    return hmac(key, "sign", data).buffer;
  }

  async verify(algorithm, key, signature, data) {
    checkHmac(algorithm);
    return isEqual(hmac(key, "verify", data), bytesOf(signature, "the signature"));
  }
}

let source = () => {
  throw new Error("random values can be had while the program runs only");
};

// Takes random bytes from the host: fresh ones in an activity, recorded ones in a workflow.
export function setRandomSource(kind) {
  source = kind === "workflow" ? recordedBytes : freshBytes;
}

function freshBytes(count) {
  return fromBase64(ask("entropy", { bytes: count }).value);
}

function recordedBytes(count) {
  const bytes = new Uint8Array(count);
  for (let start = 0; start < count; start += 6) {
    // Six bytes at a time: a number of JavaScript holds 53 bits.
    let { value } = ask("random", { u64: [0, 2 ** 48 - 1] });
    for (let i = start; i < Math.min(start + 6, count); i += 1) {
      bytes[i] = value % 256;
      value = Math.floor(value / 256);
    }
  }
  return bytes;
}

function randomBytes(count) {
  return source(count);
}

export const crypto = {
  subtle: new SubtleCrypto(),
  getRandomValues(array) {
    if (!ArrayBuffer.isView(array) || array instanceof DataView || /Float/.test(array[Symbol.toStringTag])) {
      throw failure("TypeMismatchError", "getRandomValues takes a typed array of integers");
    }
    if (array.byteLength > MOST_RANDOM_BYTES) {
      throw failure("QuotaExceededError", `getRandomValues gives ${MOST_RANDOM_BYTES} bytes at most`);
    }
    bytesOf(array).set(randomBytes(array.byteLength));
    return array;
  },
  randomUUID() {
    const bytes = randomBytes(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = bytes.toHex();
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  },
};

export { CryptoKey, SubtleCrypto };
