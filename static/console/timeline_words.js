/* Instants and lengths of a timeline in words. */

const UNITS = [
  [86400, "d", 3600, "h"],
  [3600, "h", 60, "min"],
  [60, "min", 1, "s"],
];
const WORDS = {
  scheduled: "Not due yet", queued: "Due, and not run yet", running: "Running", blocked: "Waiting for others", backoff: "Waiting for the next attempt",
  paused: "Paused", cancelling: "Being cancelled", request: "HTTP request", delay: "Delay",
};
const ENDS = { ok: "ended well", error: "ended with an error", failed: "failed", cancelled: "was cancelled", timeout: "timed out" };

/** A length in microseconds, such as `340 µs`, `12.5 ms`, `4.1 s`, `2 min 03 s`; as the server writes it, but finer. */
export function spanText(micros) {
  if (micros < 1000) {
    return `${Math.round(micros)} µs`;
  }
  if (micros < 999500) {
    return `${micros < 10000 ? (micros / 1000).toFixed(2) : (micros / 1000).toFixed(0)} ms`;
  }
  const seconds = micros / 1e6;
  if (seconds < 59.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  const [size, unit, smaller, smallerUnit] = UNITS.find(([least]) => whole >= least);
  const rest = Math.floor((whole % size) / smaller);
  return rest ? `${Math.floor(whole / size)} ${unit} ${String(rest).padStart(2, "0")} ${smallerUnit}` : `${Math.floor(whole / size)} ${unit}`;
}

/** What a row or one of its bars is, with exact times, as an element. */
export function describe(row, bar, base) {
  const content = document.createElement("div");
  const heading = document.createElement("strong");
  heading.textContent = row.name;
  content.append(heading);
  const lines = bar === null ? rowLines(row) : barLines(bar);
  const span = bar === null ? row : bar;
  lines.push(...times(span, base));
  for (const text of lines.filter(Boolean)) {
    const line = document.createElement("div");
    line.textContent = text;
    content.append(line);
  }
  return content;
}

function rowLines(row) {
  return [row.of, row.state ? row.state.word : "", row.note];
}

function barLines(bar) {
  if (bar.sign !== undefined) {
    return [bar.text];
  }
  if (bar.look === "crowd") {
    const bad = bar.bad ? `, ${bar.bad.toLocaleString("en")} of them not well` : "";
    return [bar.text || `${(bar.count || 0).toLocaleString("en")} here${bad}`];
  }
  const end = bar.goes_on ? "goes on" : ENDS[bar.cap] || "";
  return [[WORDS[bar.look], end].filter(Boolean).join(", "), bar.text];
}

function times(span, base) {
  if (span.at !== undefined) {
    return [`at ${clock(base + span.at)}`, `${spanText(span.at)} after the beginning`];
  }
  const lines = [`from ${clock(base + span.begin)}`];
  if (span.end !== undefined) {
    lines.push(`${span.goes_on ? "until now" : "to"} ${clock(base + span.end)}`, `${spanText(span.end - span.begin)}, beginning ${spanText(span.begin)} after the start`);
  }
  return lines;
}

/** An instant in the reader's time, to the microsecond, and in UTC. */
function clock(micros) {
  const moment = new Date(Math.floor(micros / 1000));
  const fine = String(micros % 1e6).padStart(6, "0");
  const local = moment.toLocaleTimeString([], { hour12: false });
  return `${local}.${fine} (${moment.toISOString().slice(0, 19).replace("T", " ")} UTC)`;
}
