// Hosts of URLs: domains, IPv4 and IPv6 addresses, and what other schemes allow.

import { decode, encode } from "runtime:native";

const FORBIDDEN = /[\0\t\n\r #/:<>?@[\\\]^|]/;
const FORBIDDEN_IN_DOMAIN = /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/;

// Returns the host as it is kept, or null if it is none. IPv6 addresses keep their brackets.
export function parseHost(text, isSpecial) {
  if (text.startsWith("[")) {
    const parts = text.endsWith("]") ? parseIPv6(text.slice(1, -1)) : null;
    return parts === null ? null : `[${writeIPv6(parts)}]`;
  }
  if (!isSpecial) {
    return FORBIDDEN.test(text) ? null : encodeControls(text);
  }
  const domain = toAscii(percentDecode(text));
  if (domain === null || domain === "" || FORBIDDEN_IN_DOMAIN.test(domain)) {
    return null;
  }
  return endsInNumber(domain) ? parseIPv4(domain) : domain;
}

function encodeControls(text) {
  let written = "";
  for (const byte of encode(text.toWellFormed())) {
    const isKept = byte > 0x1f && byte <= 0x7e;
    written += isKept ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return written;
}

function percentDecode(text) {
  if (!text.includes("%")) {
    return text;
  }
  const bytes = [];
  const source = encode(text.toWellFormed());
  for (let i = 0; i < source.length; i += 1) {
    const hex = source[i] === 0x25 ? String.fromCharCode(source[i + 1] ?? 0, source[i + 2] ?? 0) : "";
    if (/^[0-9A-Fa-f]{2}$/.test(hex)) {
      bytes.push(parseInt(hex, 16));
      i += 2;
    } else {
      bytes.push(source[i]);
    }
  }
  return decode(new Uint8Array(bytes), false);
}

function toAscii(domain) {
  if (/^[\0-\x7f]*$/.test(domain)) {
    return domain.toLowerCase();
  }
  const labels = domain
    .replace(/[\u00ad\u200b\u2060\ufeff]/g, "")
    .normalize("NFKC")
    .toLowerCase()
    .normalize("NFC")
    .replace(/[\u3002\uff0e\uff61]/g, ".")
    .split(".");
  const written = labels.map((label) => (/^[\0-\x7f]*$/.test(label) ? label : `xn--${punycode(label)}`));
  return written.join(".");
}

// RFC 3492.
function punycode(label) {
  const codes = [...label].map((character) => character.codePointAt(0));
  let written = codes.filter((code) => code < 0x80).map((code) => String.fromCharCode(code)).join("");
  const basic = written.length;
  let [done, code, delta, bias] = [basic, 0x80, 0, 72];
  if (basic > 0) {
    written += "-";
  }
  while (done < codes.length) {
    const next = Math.min(...codes.filter((each) => each >= code));
    delta += (next - code) * (done + 1);
    code = next;
    for (const each of codes) {
      if (each < code) {
        delta += 1;
      }
      if (each === code) {
        let rest = delta;
        for (let k = 36; ; k += 36) {
          const threshold = Math.min(Math.max(k - bias, 1), 26);
          if (rest < threshold) {
            break;
          }
          written += digit(threshold + ((rest - threshold) % (36 - threshold)));
          rest = Math.floor((rest - threshold) / (36 - threshold));
        }
        written += digit(rest);
        bias = adapt(delta, done + 1, done === basic);
        delta = 0;
        done += 1;
      }
    }
    delta += 1;
    code += 1;
  }
  return written;
}

function digit(value) {
  return "abcdefghijklmnopqrstuvwxyz0123456789"[value];
}

function adapt(delta, count, isFirst) {
  let rest = isFirst ? Math.floor(delta / 700) : Math.floor(delta / 2);
  rest += Math.floor(rest / count);
  let k = 0;
  while (rest > 455) {
    rest = Math.floor(rest / 35);
    k += 36;
  }
  return k + Math.floor((36 * rest) / (rest + 38));
}

function endsInNumber(domain) {
  const parts = domain.split(".");
  if (parts.at(-1) === "" && parts.length > 1) {
    parts.pop();
  }
  return /^(?:[0-9]+|0[xX][0-9A-Fa-f]*)$/.test(parts.at(-1));
}

function parseIPv4(domain) {
  const parts = domain.split(".");
  if (parts.at(-1) === "" && parts.length > 1) {
    parts.pop();
  }
  if (parts.length > 4) {
    return null;
  }
  const numbers = parts.map(ipv4Number);
  const last = numbers.pop();
  if (last === null || numbers.some((number) => number === null || number > 255) || last >= 256 ** (4 - numbers.length)) {
    return null;
  }
  const address = numbers.reduce((sum, number, index) => sum + number * 256 ** (3 - index), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

function ipv4Number(text) {
  if (/^0[xX][0-9A-Fa-f]*$/.test(text)) {
    return text.length === 2 ? 0 : parseInt(text.slice(2), 16);
  }
  if (/^0[0-7]+$/.test(text)) {
    return parseInt(text, 8);
  }
  return /^(?:0|[1-9][0-9]*)$/.test(text) ? parseInt(text, 10) : null;
}

function parseIPv6(text) {
  const halves = text.split("::");
  if (halves.length > 2) {
    return null;
  }
  const [head, tail] = halves.map((half) => (half === "" ? [] : ipv6Parts(half.split(":"))));
  if (head === null || tail === null) {
    return null;
  }
  if (tail === undefined) {
    return head.length === 8 ? head : null;
  }
  const missing = 8 - head.length - tail.length;
  return missing < 1 ? null : [...head, ...Array(missing).fill(0), ...tail];
}

function ipv6Parts(texts) {
  const parts = [];
  for (const [index, text] of texts.entries()) {
    if (index === texts.length - 1 && text.includes(".")) {
      const bytes = text.split(".");
      if (bytes.length !== 4 || bytes.some((byte) => !/^(?:0|[1-9][0-9]{0,2})$/.test(byte) || Number(byte) > 255)) {
        return null;
      }
      parts.push(bytes[0] * 256 + Number(bytes[1]), bytes[2] * 256 + Number(bytes[3]));
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(text)) {
      parts.push(parseInt(text, 16));
    } else {
      return null;
    }
  }
  return parts;
}

function writeIPv6(parts) {
  let [best, bestLength] = [-1, 1];
  for (let start = 0; start < 8; start += 1) {
    let end = start;
    while (end < 8 && parts[end] === 0) {
      end += 1;
    }
    if (end - start > bestLength) {
      [best, bestLength] = [start, end - start];
    }
  }
  const hex = parts.map((part) => part.toString(16));
  if (best < 0) {
    return hex.join(":");
  }
  return `${hex.slice(0, best).join(":")}::${hex.slice(best + bestLength).join(":")}`;
}
