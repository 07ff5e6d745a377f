// Errors that programs see, and what becomes of those that leave them.

const MOST_CAUSES = 5;

export class JoinSetExhaustedError extends Error {
  constructor(message = "JoinSetEmpty: all responses processed") {
    super(message);
    this.name = "JoinSetExhaustedError";
    this.code = "OBELISK_JOIN_SET_EXHAUSTED";
  }
}

// A child execution that failed, or a delay that was cancelled.
export class ChildError extends Error {
  #isOurs = true;

  constructor(message) {
    super(message);
    this.name = "ChildError";
  }

  static is(thrown) {
    return typeof thrown === "object" && thrown !== null && #isOurs in thrown;
  }
}

export function childError({ id, err, failure }) {
  const kind = failure?.kind.replaceAll("_", "-");
  const isDelay = id?.startsWith("Delay_");
  const value = err === null || isDelay ? undefined : err;
  const where = id === undefined || id === null ? "child execution failed" : `child execution ${id} failed`;
  const why = kind ?? (typeof value === "string" ? value : undefined);
  const error = new ChildError(isDelay ? `delay ${id} cancelled` : why === undefined ? where : `${where}: ${why}`);
  error.value = value;
  error.childId = isDelay ? undefined : (id ?? undefined);
  error.failureKind = isDelay ? "cancelled" : kind;
  error.cancelled = isDelay || kind === "cancelled";
  return error;
}

export function sleepCancelled() {
  const error = new ChildError("Sleep was cancelled");
  Object.assign(error, { value: undefined, childId: undefined, failureKind: "cancelled", cancelled: true });
  return error;
}

// The error value of something thrown, and the text that stands in for a missing one.
export function asThrown(thrown) {
  if (ChildError.is(thrown)) {
    return { value: thrown.value, text: thrown.message };
  }
  if (thrown instanceof Error) {
    const text = thrown.message || thrown.name;
    return { value: text, text };
  }
  return { value: thrown, text: typeof thrown === "string" ? thrown : "" };
}

// What was thrown and from where, the program's own frames only; then what caused it. Never throws.
export function frames(thrown, depth = 0) {
  try {
    return thrown instanceof Error ? described(thrown, depth) : "";
  } catch {
    return "an error that cannot be read";
  }
}

function described(error, depth) {
  const own = String(error.stack ?? "")
    .split("\n")
    .filter((line) => line.trim() && !line.includes("runtime:") && !line.includes("(native)"));
  const text = [`${String(error.name)}: ${String(error.message)}`, ...own].join("\n");
  const cause = depth < MOST_CAUSES ? frames(error.cause, depth + 1) : "";
  return cause === "" ? text : `${text}\ncaused by ${cause}`;
}
