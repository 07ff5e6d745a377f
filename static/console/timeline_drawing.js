/* Drawing a timeline's answer. Everything that people wrote goes into the page as text. */

export const ROW_HEIGHT = 24;
const BAR_TOP = 6;
const BAR_HEIGHT = 12;
const MIDDLE = 12;
const CAP_SIZE = 12;
const OVERVIEW_HEIGHT = 36;
const LEAST_CAP_DISTANCE = 9;
const LINES = new Set(["backoff", "blocked", "delay"]);
const HOLLOW = new Set(["queued", "scheduled", "paused", "cancelling"]);

function shape(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  return element;
}

function use(id, x, y, size, attributes = {}) {
  return shape("use", { href: `#${id}`, x: x - size / 2, y: y - size / 2, width: size, height: size, ...attributes });
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function icon(name, className) {
  const made = element("span", `material-symbols-outlined ${className}`, name);
  made.setAttribute("aria-hidden", "true");
  return made;
}

/* The strip above: all of the time, and which part of it is in sight. */
export function drawOverview(svg, answer) {
  const { overview, overview_pieces: pieces, overview_begin: begin, overview_end: end } = answer;
  const right = pieces[pieces.length - 1].x1;
  const inner = OVERVIEW_HEIGHT - 8;
  const shapes = pieces.filter((piece) => piece.is_gap).map((piece) => gap(piece, OVERVIEW_HEIGHT));
  for (const bar of overview) {
    const height = Math.max(1.5, bar.height === undefined ? inner : bar.height * inner);
    shapes.push(shape("rect", { class: "tl-crowd", x: bar.x, y: OVERVIEW_HEIGHT - 3 - height, width: bar.width, height, "fill-opacity": 0.7 }));
    if (bar.bad) {
      shapes.push(shape("rect", { class: "tl-crowd-bad", x: bar.x, y: OVERVIEW_HEIGHT - 3, width: Math.max(2, bar.width), height: 3 }));
    }
  }
  if (begin > 0.5 || end < right - 0.5) {
    shapes.push(shape("rect", { class: "tl-shade", x: 0, y: 0, width: Math.max(0, begin), height: OVERVIEW_HEIGHT }));
    shapes.push(shape("rect", { class: "tl-shade", x: end, y: 0, width: Math.max(0, right - end), height: OVERVIEW_HEIGHT }));
    shapes.push(shape("rect", { class: "tl-frame", x: begin, y: 1, width: Math.max(2, end - begin), height: OVERVIEW_HEIGHT - 2 }));
  }
  svg.replaceChildren(...shapes);
}

export function drawAxis(svg, answer) {
  const shapes = answer.ticks.map(([x, label]) => {
    const text = shape("text", { x: x + 3, y: 14 });
    text.textContent = label;
    return [shape("path", { class: "tl-grid", d: `M${x + 0.5} 6V20` }), text];
  });
  svg.replaceChildren(...shapes.flat());
}

/** Return what each row's name and note are made of: a step of the zoom changes next to none of it. */
export function wordsOf({ first, total, rows }) {
  return rows.map(({ bars, signs, ...words }, index) => JSON.stringify([first + index, total, words]));
}

/** Draw the names on the left, and a few words on the right, of rows that are not as before. */
export function drawWords({ labels, notes }, answer, words, before) {
  const made = (row, index) => label(row, answer.first + index, answer.total);
  for (const list of [labels, notes]) {
    [...list.children].slice(words.length).forEach((each) => each.remove());
  }
  answer.rows.forEach((row, index) => {
    if (index >= before.length) {
      labels.append(made(row, index));
      notes.append(note(row));
    } else if (words[index] !== before[index]) {
      labels.children[index].replaceWith(made(row, index));
      notes.children[index].replaceWith(note(row));
    }
  });
}

/* Their bars. */
export function drawBars({ chart }, answer) {
  const height = answer.rows.length * ROW_HEIGHT;
  const right = answer.pieces[answer.pieces.length - 1].x1 + ROW_HEIGHT;
  chart.setAttribute("height", height);
  const shapes = [shape("rect", { class: "tl-stripe", x: 0, y: 0, width: "100%", height: ROW_HEIGHT })];
  shapes.push(...answer.ticks.map(([x]) => shape("path", { class: "tl-grid", d: `M${x + 0.5} 0V${height}` })));
  shapes.push(...answer.pieces.filter((piece) => piece.is_gap).map((piece) => gap(piece, height)));
  if (answer.now_x !== null) {
    shapes.push(shape("path", { class: "tl-now", d: `M${answer.now_x} 0V${height}` }));
  }
  answer.rows.forEach((row, index) => shapes.push(rowShapes(row, index, right), ...elsewhere(row, index, answer)));
  chart.replaceChildren(...shapes);
}

/* A hint that what a row shows lies to the left or to the right of the window. */
function elsewhere(row, index, { begin, end, pieces }) {
  const y = index * ROW_HEIGHT + MIDDLE;
  if (row.end !== undefined && row.end < begin) {
    return [shape("path", { class: "tl-elsewhere", d: `M8 ${y - 4}l-4 4l4 4` })];
  }
  const right = pieces[pieces.length - 1].x1;
  return row.begin > end ? [shape("path", { class: "tl-elsewhere", d: `M${right - 8} ${y - 4}l4 4l-4 4` })] : [];
}

function gap(piece, height) {
  const group = shape("g", {});
  group.append(shape("rect", { class: "tl-gap-band", x: piece.x0, y: 0, width: piece.x1 - piece.x0, height }));
  const middle = (piece.x0 + piece.x1) / 2;
  for (let y = 0; y < height; y += ROW_HEIGHT) {
    group.append(shape("use", { href: "#tl-gap", x: middle - 5, y: y + 4, width: 10, height: 16 }));
  }
  return group;
}

function rowShapes(row, index, right) {
  const group = shape("g", { transform: `translate(0 ${index * ROW_HEIGHT})` });
  let taken = -LEAST_CAP_DISTANCE;
  const caps = [];
  const bars = row.bars || [];
  bars.forEach((bar, at) => {
    group.append(...barShapes(bar, at, at + 1 < bars.length ? bars[at + 1].x : right));
    // Beside the end, so that short bars can be seen.
    const x = bar.x + bar.width + CAP_SIZE / 2;
    const isLast = at === bars.length - 1;
    if (bar.cap && row.kind !== "requests" && (isLast || x - taken >= LEAST_CAP_DISTANCE)) {
      taken = x;
      caps.push(use(`tl-cap-${bar.cap}`, x, MIDDLE, CAP_SIZE, { "data-bar": at }));
    }
  });
  (row.signs || []).forEach((sign, at) => caps.push(use(`tl-sign-${sign.sign}`, sign.x, 6, CAP_SIZE, { "data-sign": at })));
  group.append(...caps);
  return group;
}

function barShapes(bar, at, nextX) {
  const { look, x, width } = bar;
  const isBad = bar.bad > 0;
  const data = { "data-bar": at };
  if (look === "crowd") {
    const height = Math.max(3, (bar.height === undefined ? 1 : bar.height) * (ROW_HEIGHT - 8));
    const shade = 0.45 + 0.5 * Math.min(1, Math.log10(1 + (bar.count || 1)) / 3);
    const block = shape("rect", { class: "tl-crowd", x, y: ROW_HEIGHT - 5 - height, width: Math.max(1, width), height, "fill-opacity": shade.toFixed(2), ...data });
    return bar.bad ? [block, shape("rect", { class: "tl-crowd-bad", x, y: ROW_HEIGHT - 4, width: Math.max(2, width), height: 3, ...data })] : [block];
  }
  if (LINES.has(look)) {
    const shapes = [
      shape("path", { class: `tl-${look}`, d: `M${x} ${MIDDLE}H${x + width}` }),
      // A line is too thin to point at.
      shape("rect", { class: "tl-line-hit", x, y: BAR_TOP, width, height: BAR_HEIGHT, ...data }),
    ];
    return look === "delay" ? [...shapes, use("tl-clock", x + 6, MIDDLE, CAP_SIZE, data)] : shapes;
  }
  if (look === "request") {
    const bars = [shape("rect", { class: `tl-request${isBad ? " tl-bad" : ""}`, x, y: 9, width, height: 6, rx: 1, ...data })];
    const status = /^[0-9]{3}/.exec(bar.text || "");
    if (status !== null && nextX - x - width > 30) {
      const text = shape("text", { class: "tl-status", x: x + width + 4, y: 16 });
      text.textContent = status[0];
      bars.push(text);
    }
    return bars;
  }
  if (HOLLOW.has(look)) {
    return [shape("rect", { class: `tl-${look}`, x: x + 0.5, y: BAR_TOP + 0.5, width: Math.max(1, width - 1), height: BAR_HEIGHT - 1, ...data })];
  }
  const solid = [shape("rect", { class: `tl-${look}${isBad ? " tl-bad" : ""}`, x, y: BAR_TOP, width, height: BAR_HEIGHT, ...data })];
  if (bar.goes_on) {
    // Its right edge is open.
    solid.push(shape("path", { class: `tl-${look}`, d: `M${x + width} ${BAR_TOP}l5 ${BAR_HEIGHT / 2}l-5 ${BAR_HEIGHT / 2}Z`, ...data }));
  }
  return solid;
}

const KIND_ICONS = { delay: "schedule", requests: "language", group: "layers" };

function label(row, index, total) {
  const line = element("div", `tl-row tl-${row.kind}`);
  line.dataset.key = row.key;
  line.style.setProperty("--tl-depth", row.depth);
  line.tabIndex = -1;
  line.setAttribute("role", "treeitem");
  line.setAttribute("aria-level", row.depth + 1);
  line.setAttribute("aria-posinset", index + 1);
  line.setAttribute("aria-setsize", total);
  const state = row.state ? row.state.word : "";
  line.setAttribute("aria-label", [row.name, row.of, state, row.note].filter(Boolean).join(", "));
  const fold = icon(row.is_open ? "keyboard_arrow_down" : "keyboard_arrow_right", "tl-fold");
  if (row.is_open === undefined) {
    fold.classList.add("tl-leaf");
  } else {
    line.setAttribute("aria-expanded", String(row.is_open));
  }
  line.append(fold, row.state ? icon(row.state.icon, `tl-state tl-state-${row.state.key}`) : icon(KIND_ICONS[row.kind] || "help", "tl-state"));
  const name = element(row.url ? "a" : "span", "tl-name", row.name);
  if (row.url) {
    name.href = row.url;
    name.tabIndex = -1;
  }
  name.title = row.of ? `${row.of}/${row.name}` : row.name;
  line.append(name);
  return line;
}

function note(row) {
  const line = element("div", "", row.note || "");
  line.title = row.note || "";
  return line;
}
