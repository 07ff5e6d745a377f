// URL and URLSearchParams, as the URL Standard (url.spec.whatwg.org) has them; domains are turned into ASCII without the
// full tables of UTS 46: lower case and NFKC, then Punycode.

import { decode, encode } from "runtime:native";
import { parseHost } from "runtime:url-host";

const DEFAULT_PORTS = { "ftp:": 21, "http:": 80, "https:": 443, "ws:": 80, "wss:": 443, "file:": null };

const CONTROL = (code) => code <= 0x1f || code > 0x7e;
const setOf = (text, base) => {
  const codes = new Set([...text].map((character) => character.charCodeAt(0)));
  return (code) => base(code) || codes.has(code);
};
const FRAGMENT = setOf(' "<>`', CONTROL);
const QUERY = setOf(' "#<>', CONTROL);
const SPECIAL_QUERY = setOf("'", QUERY);
const PATH = setOf("?^`{}", QUERY);
const USERINFO = setOf("/:;=@[\\]^|", PATH);

export function percentEncode(text, mustEncode) {
  let written = "";
  for (const byte of encode(text.toWellFormed())) {
    written += mustEncode(byte) ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}` : String.fromCharCode(byte);
  }
  return written;
}

function isSpecial(record) {
  return record.scheme in DEFAULT_PORTS;
}

function isWindowsDriveLetter(text) {
  return /^[A-Za-z][:|]$/.test(text);
}

function startsWithWindowsDriveLetter(text) {
  return /^[A-Za-z][:|](?:[/\\?#]|$)/.test(text);
}

function shorten(record) {
  const { path } = record;
  if (record.scheme === "file:" && path.length === 1 && /^[A-Za-z]:$/.test(path[0])) {
    return;
  }
  path.pop();
}

function isSingleDot(part) {
  return part === "." || part.toLowerCase() === "%2e";
}

function isDoubleDot(part) {
  return ["..", ".%2e", "%2e.", "%2e%2e"].includes(part.toLowerCase());
}

// Parses a URL; returns null if it is none. The record: scheme with colon, username, password, host (null, or text
// as it is written), port (number or null), path (list, or text if it is opaque), query and fragment (null or text).
function parse(input, base) {
  const text = input.replace(/^[\0-\x20]+|[\0-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
  const found = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text);
  const record = { scheme: "", username: "", password: "", host: null, port: null, path: [], query: null, fragment: null };
  if (!found) {
    return base === undefined ? null : parseRelative(text, base, record);
  }
  record.scheme = found[0].toLowerCase();
  const rest = text.slice(found[0].length);
  if (record.scheme === "file:") {
    return parseFile(rest, base, record);
  }
  if (isSpecial(record)) {
    if (base !== undefined && base.scheme === record.scheme && !/^[/\\]{2}/.test(rest) && !rest.startsWith("//")) {
      return parseRelative(rest, base, record);
    }
    return parseAuthority(rest.replace(/^[/\\]+/, ""), record);
  }
  if (rest.startsWith("//")) {
    return parseAuthority(rest.slice(2), record);
  }
  if (rest.startsWith("/")) {
    return parsePath(rest, record);
  }
  record.path = "";
  return parseOpaque(rest, record);
}

function splitEnd(text) {
  const [, path, query, fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#([^]*))?$/.exec(text);
  return { path, query: query ?? null, fragment: fragment ?? null };
}

function setEnd(record, { query, fragment }) {
  if (query !== null) {
    record.query = percentEncode(query, isSpecial(record) ? SPECIAL_QUERY : QUERY);
  }
  if (fragment !== null) {
    record.fragment = percentEncode(fragment, FRAGMENT);
  }
  return record;
}

function parseOpaque(text, record) {
  const end = splitEnd(text);
  let path = percentEncode(end.path, CONTROL);
  if (path.endsWith(" ") && (end.query !== null || end.fragment !== null)) {
    path = `${path.slice(0, -1)}%20`;
  }
  record.path = path;
  return setEnd(record, end);
}

function parseRelative(text, base, record) {
  if (typeof base.path === "string") {
    if (!text.startsWith("#")) {
      return null;
    }
    return setEnd({ ...base }, { query: null, fragment: text.slice(1) });
  }
  record.scheme = base.scheme;
  if (record.scheme === "file:") {
    return parseFile(text, base, record);
  }
  const slashes = isSpecial(record) ? /^[/\\]/ : /^\//;
  if ((isSpecial(record) ? /^[/\\]{2}/ : /^\/\//).test(text)) {
    return parseAuthority(isSpecial(record) ? text.replace(/^[/\\]+/, "") : text.slice(2), record);
  }
  const { username, password, host, port } = base;
  Object.assign(record, { username, password, host, port });
  if (slashes.test(text)) {
    return parsePath(text, record);
  }
  return parseFromBase(text, base, record);
}

function parseFromBase(text, base, record) {
  const end = splitEnd(text);
  record.path = [...base.path];
  if (end.path === "") {
    record.query = base.query;
    return setEnd(record, end);
  }
  shorten(record);
  addPath(end.path, record);
  return setEnd(record, end);
}

function parseFile(text, base, record) {
  record.host = "";
  const fromBase = base?.scheme === "file:" ? base : undefined;
  if (/^[/\\]{2}/.test(text)) {
    return parseFileHost(text.slice(2), record);
  }
  if (/^[/\\]/.test(text)) {
    if (fromBase) {
      record.host = fromBase.host;
      if (!startsWithWindowsDriveLetter(text.slice(1)) && /^[A-Za-z]:$/.test(fromBase.path[0] ?? "")) {
        record.path = [fromBase.path[0]];
      }
    }
    return parsePath(text, record);
  }
  if (fromBase) {
    record.host = fromBase.host;
    if (startsWithWindowsDriveLetter(text)) {
      return parsePath(`/${text}`, record);
    }
    return parseFromBase(text, fromBase, record);
  }
  return parsePath(`/${text}`, record);
}

function parseFileHost(text, record) {
  const [, host, rest] = /^([^/\\?#]*)([^]*)$/.exec(text);
  if (isWindowsDriveLetter(host)) {
    return parsePath(`/${text}`, record);
  }
  if (host !== "") {
    const parsed = parseHost(host, true);
    if (parsed === null) {
      return null;
    }
    record.host = parsed === "localhost" ? "" : parsed;
  }
  return parsePath(rest, record);
}

function parseAuthority(text, record) {
  const [, authority, rest] = (isSpecial(record) ? /^([^/\\?#]*)([^]*)$/ : /^([^/?#]*)([^]*)$/).exec(text);
  const at = authority.lastIndexOf("@");
  if (at >= 0) {
    const [, user, , password] = /^([^:]*)(:([^]*))?$/.exec(authority.slice(0, at));
    record.username = percentEncode(user, USERINFO);
    record.password = percentEncode(password ?? "", USERINFO);
    if (at === authority.length - 1) {
      return null;
    }
  }
  const [, host, port] = /^(\[[^\]]*\]?[^:]*|[^:]*)(?::([^]*))?$/.exec(authority.slice(at + 1)) ?? [];
  if (host === undefined || (host === "" && (isSpecial(record) || port !== undefined))) {
    return null;
  }
  record.host = parseHost(host, isSpecial(record));
  if (record.host === null || !setPort(record, port ?? "")) {
    return null;
  }
  return parsePath(rest, record);
}

function setPort(record, text) {
  if (text === "") {
    record.port = null;
    return true;
  }
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > 65535) {
    return false;
  }
  record.port = port === DEFAULT_PORTS[record.scheme] ? null : port;
  return true;
}

function parsePath(text, record) {
  const end = splitEnd(text);
  if (isSpecial(record)) {
    addPath(end.path.replace(/^[/\\]/, ""), record);
  } else if (end.path !== "") {
    addPath(end.path.replace(/^\//, ""), record);
  }
  return setEnd(record, end);
}

function addPath(text, record) {
  const parts = text.split(isSpecial(record) ? /[/\\]/ : "/");
  parts.forEach((part, index) => {
    const isLast = index === parts.length - 1;
    if (isDoubleDot(part)) {
      shorten(record);
      if (isLast) {
        record.path.push("");
      }
    } else if (isSingleDot(part)) {
      if (isLast) {
        record.path.push("");
      }
    } else {
      let written = percentEncode(part, PATH);
      if (record.scheme === "file:" && record.path.length === 0 && isWindowsDriveLetter(written)) {
        written = `${written[0]}:`;
      }
      record.path.push(written);
    }
  });
}

function pathOf({ path }) {
  return typeof path === "string" ? path : path.map((part) => `/${part}`).join("");
}

function serialize(record) {
  let text = record.scheme;
  if (record.host !== null) {
    text += "//";
    if (record.username !== "" || record.password !== "") {
      text += `${record.username}${record.password === "" ? "" : `:${record.password}`}@`;
    }
    text += hostOf(record);
  } else if (typeof record.path !== "string" && record.path.length > 1 && record.path[0] === "") {
    text += "/.";
  }
  text += pathOf(record);
  return `${text}${record.query === null ? "" : `?${record.query}`}${record.fragment === null ? "" : `#${record.fragment}`}`;
}

function hostOf({ host, port }) {
  return `${host}${port === null ? "" : `:${port}`}`;
}

function cannotHaveCredentials(record) {
  return record.host === null || record.host === "" || record.scheme === "file:";
}

export class URL {
  #record;
  #params;

  constructor(url, base) {
    const onto = base === undefined ? undefined : parse(String(base));
    const record = onto === null ? null : parse(String(url), onto);
    if (record === null) {
      throw Object.assign(new TypeError(`Invalid URL: ${url}`), { code: "ERR_INVALID_URL", input: String(url) });
    }
    this.#record = record;
    this.#params = URLSearchParams.ofUrl(record.query ?? "", (query) => (record.query = query === "" ? null : query));
  }

  static parse(url, base) {
    try {
      return new URL(url, base);
    } catch {
      return null;
    }
  }

  static canParse(url, base) {
    return URL.parse(url, base) !== null;
  }

  get href() {
    return serialize(this.#record);
  }

  set href(value) {
    const record = parse(String(value));
    if (record === null) {
      throw new TypeError(`Invalid URL: ${value}`);
    }
    Object.assign(this.#record, record);
    URLSearchParams.reset(this.#params, record.query ?? "");
  }

  get origin() {
    const record = this.#record;
    if (record.scheme === "blob:") {
      return URL.parse(pathOf(record))?.origin ?? "null";
    }
    return isSpecial(record) && record.scheme !== "file:" ? `${record.scheme}//${hostOf(record)}` : "null";
  }

  get protocol() {
    return this.#record.scheme;
  }

  set protocol(value) {
    const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):?/.exec(String(value))?.[1];
    const record = this.#record;
    if (scheme === undefined) {
      return;
    }
    const wanted = `${scheme.toLowerCase()}:`;
    const isFromFile = record.scheme === "file:" && record.host === "";
    const isToFile = wanted === "file:" && (record.username !== "" || record.password !== "" || record.port !== null);
    if (wanted in DEFAULT_PORTS !== isSpecial(record) || isFromFile || isToFile) {
      return;
    }
    record.scheme = wanted;
    if (record.port === DEFAULT_PORTS[wanted]) {
      record.port = null;
    }
  }

  get username() {
    return this.#record.username;
  }

  set username(value) {
    if (!cannotHaveCredentials(this.#record)) {
      this.#record.username = percentEncode(String(value), USERINFO);
    }
  }

  get password() {
    return this.#record.password;
  }

  set password(value) {
    if (!cannotHaveCredentials(this.#record)) {
      this.#record.password = percentEncode(String(value), USERINFO);
    }
  }

  get host() {
    return this.#record.host === null ? "" : hostOf(this.#record);
  }

  set host(value) {
    this.#setHost(String(value), true);
  }

  get hostname() {
    return this.#record.host === null ? "" : this.#record.host;
  }

  set hostname(value) {
    this.#setHost(String(value), false);
  }

  #setHost(text, withPort) {
    const record = this.#record;
    if (typeof record.path === "string") {
      return;
    }
    const [, host, port] = /^(\[[^\]]*\]|[^:/\\?#]*)(?::([0-9]*))?/.exec(text.replace(/[\t\n\r]/g, ""));
    const parsed = host === "" && isSpecial(record) && record.scheme !== "file:" ? null : parseHost(host, isSpecial(record));
    if (parsed === null || (host === "" && (record.username !== "" || record.password !== "" || record.port !== null))) {
      return;
    }
    record.host = parsed;
    if (withPort && port) {
      setPort(record, port);
    }
  }

  get port() {
    return this.#record.port === null ? "" : String(this.#record.port);
  }

  set port(value) {
    if (!cannotHaveCredentials(this.#record)) {
      const text = String(value).replace(/[\t\n\r]/g, "");
      const digits = /^[0-9]*/.exec(text)[0];
      if (text === "" || digits !== "") {
        setPort(this.#record, digits);
      }
    }
  }

  get pathname() {
    return pathOf(this.#record);
  }

  set pathname(value) {
    const record = this.#record;
    if (typeof record.path !== "string") {
      record.path = [];
      const text = String(value).replace(/[\t\n\r]/g, "").replaceAll("?", "%3F").replaceAll("#", "%23");
      addPath(text.replace(isSpecial(record) ? /^[/\\]/ : /^\//, ""), record);
    }
  }

  get search() {
    return this.#record.query ? `?${this.#record.query}` : "";
  }

  set search(value) {
    const text = String(value).replace(/[\t\n\r]/g, "").replace(/^\?/, "");
    this.#record.query = text === "" ? null : percentEncode(text, isSpecial(this.#record) ? SPECIAL_QUERY : QUERY);
    URLSearchParams.reset(this.#params, text);
  }

  get searchParams() {
    return this.#params;
  }

  get hash() {
    return this.#record.fragment ? `#${this.#record.fragment}` : "";
  }

  set hash(value) {
    const text = String(value).replace(/[\t\n\r]/g, "").replace(/^#/, "");
    this.#record.fragment = text === "" ? null : percentEncode(text, FRAGMENT);
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }

  get [Symbol.toStringTag]() {
    return "URL";
  }
}

const FORM_KEPT = /[*\-.0-9A-Z_a-z]/;

function formEncode(text) {
  return percentEncode(text, (code) => code !== 0x20 && !FORM_KEPT.test(String.fromCharCode(code))).replaceAll(" ", "+");
}

function formDecode(text) {
  const bytes = encode(text.replaceAll("+", " ").toWellFormed());
  const kept = [];
  for (let i = 0; i < bytes.length; i += 1) {
    const hex = bytes[i] === 0x25 ? String.fromCharCode(bytes[i + 1] ?? 0, bytes[i + 2] ?? 0) : "";
    if (/^[0-9A-Fa-f]{2}$/.test(hex)) {
      kept.push(parseInt(hex, 16));
      i += 2;
    } else {
      kept.push(bytes[i]);
    }
  }
  return decode(new Uint8Array(kept), false);
}

function formParse(text) {
  return text
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      const [name, value] = equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
      return [formDecode(name), formDecode(value)];
    });
}

export class URLSearchParams {
  #pairs = [];
  #onChange = () => {};

  constructor(init = "") {
    if (typeof init === "object" && init !== null) {
      const pairs = typeof init[Symbol.iterator] === "function" ? [...init].map((pair) => [...pair]) : Object.entries(init);
      if (pairs.some((pair) => pair.length !== 2)) {
        throw new TypeError("each query parameter is a pair of name and value");
      }
      this.#pairs = pairs.map(([name, value]) => [wellFormed(name), wellFormed(value)]);
    } else {
      this.#pairs = formParse(String(init).replace(/^\?/, ""));
    }
  }

  static ofUrl(query, onChange) {
    const params = new URLSearchParams(query);
    params.#onChange = onChange;
    return params;
  }

  static reset(params, query) {
    params.#pairs = formParse(query);
  }

  #changed() {
    this.#onChange(this.toString());
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    this.#pairs.push([wellFormed(name), wellFormed(value)]);
    this.#changed();
  }

  delete(name, value) {
    const [wanted, only] = [wellFormed(name), value === undefined ? undefined : wellFormed(value)];
    this.#pairs = this.#pairs.filter(([each, its]) => each !== wanted || (only !== undefined && its !== only));
    this.#changed();
  }

  get(name) {
    const wanted = wellFormed(name);
    return this.#pairs.find(([each]) => each === wanted)?.[1] ?? null;
  }

  getAll(name) {
    const wanted = wellFormed(name);
    return this.#pairs.filter(([each]) => each === wanted).map(([, value]) => value);
  }

  has(name, value) {
    const [wanted, only] = [wellFormed(name), value === undefined ? undefined : wellFormed(value)];
    return this.#pairs.some(([each, its]) => each === wanted && (only === undefined || its === only));
  }

  set(name, value) {
    const [wanted, given] = [wellFormed(name), wellFormed(value)];
    const first = this.#pairs.findIndex(([each]) => each === wanted);
    if (first < 0) {
      this.#pairs.push([wanted, given]);
    } else {
      this.#pairs[first] = [wanted, given];
      this.#pairs = this.#pairs.filter(([each], index) => index <= first || each !== wanted);
    }
    this.#changed();
  }

  sort() {
    this.#pairs.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
    this.#changed();
  }

  forEach(callback, self) {
    for (const [name, value] of this.#pairs) {
      callback.call(self, value, name, this);
    }
  }

  *entries() {
    for (let i = 0; i < this.#pairs.length; i += 1) {
      yield [...this.#pairs[i]];
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

  [Symbol.iterator]() {
    return this.entries();
  }

  toString() {
    return this.#pairs.map(([name, value]) => `${formEncode(name)}=${formEncode(value)}`).join("&");
  }

  get [Symbol.toStringTag]() {
    return "URLSearchParams";
  }
}

function wellFormed(value) {
  return String(value).toWellFormed();
}
