// structuredClone: a copy of plain data, with its circles.

const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

export function structuredClone(value, { transfer = [] } = {}) {
  if ([...transfer].length > 0) {
    throw new DOMException("nothing can be transferred: there is nobody to transfer it to", "DataCloneError");
  }
  return copy(value, new Map());
}

function copy(value, seen) {
  if (typeof value === "symbol" || typeof value === "function") {
    throw new DOMException(`a ${typeof value} cannot be cloned`, "DataCloneError");
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (seen.has(value)) {
    return seen.get(value);
  }
  const [made, fill] = begun(value, (part) => copy(part, seen));
  seen.set(value, made);
  fill();
  return made;
}

// The empty copy, and what fills it.
function begun(value, clone) {
  const nothing = () => {};
  if (Array.isArray(value)) {
    const made = new Array(value.length);
    return [made, () => assign(made, value, clone)];
  }
  if (value instanceof Date) {
    return [new Date(value.getTime()), nothing];
  }
  if (value instanceof RegExp) {
    return [new RegExp(value.source, value.flags), nothing];
  }
  if (value instanceof Map) {
    const made = new Map();
    return [made, () => [...value].forEach(([key, item]) => made.set(clone(key), clone(item)))];
  }
  if (value instanceof Set) {
    const made = new Set();
    return [made, () => [...value].forEach((item) => made.add(clone(item)))];
  }
  if (value instanceof ArrayBuffer) {
    return [value.slice(), nothing];
  }
  if (value instanceof DataView) {
    return [new DataView(clone(value.buffer), value.byteOffset, value.byteLength), nothing];
  }
  if (ArrayBuffer.isView(value)) {
    return [new value.constructor(clone(value.buffer), value.byteOffset, value.length), nothing];
  }
  if (value instanceof Error) {
    const made = new (ERRORS[value.name] ?? Error)(value.message);
    return [made, () => "cause" in value && (made.cause = clone(value.cause))];
  }
  if ([Boolean, Number, String, BigInt].some((kind) => value instanceof kind)) {
    return [Object(value.valueOf()), nothing];
  }
  if ([Promise, WeakMap, WeakSet].some((kind) => value instanceof kind)) {
    throw new DOMException(`a ${value.constructor.name} cannot be cloned`, "DataCloneError");
  }
  const made = {};
  return [made, () => assign(made, value, clone)];
}

function assign(made, value, clone) {
  for (const key of Object.keys(value)) {
    Object.defineProperty(made, key, { value: clone(value[key]), writable: true, enumerable: true, configurable: true });
  }
}
