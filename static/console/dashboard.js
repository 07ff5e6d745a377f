/* The dashboard's charts. They are drawn from the table below them, which frames keep up to date. */

const TABLE = document.getElementById("stretches");
const ENDED = [
  { name: "OK", column: 1, color: "--ob-bar-ok" },
  { name: "Error", column: 2, color: "--ob-bar-error" },
  { name: "Failed", column: 3, color: "--ob-bar-failed", hatch: 1 },
  { name: "Cancelled", column: 4, color: "--ob-bar-cancelled", hatch: -1 },
];
const TIMES = [
  { name: "run p50", column: 6, color: "--ob-line-run50", dash: [] },
  { name: "run p95", column: 7, color: "--ob-line-run95", dash: [6, 4] },
  { name: "start p95", column: 8, color: "--ob-line-start95", dash: [2, 3] },
];

function read() {
  // People read the newest first, charts show the oldest first.
  const rows = [...TABLE.querySelectorAll("tbody tr")].reverse();
  const value = (row, column) => {
    const data = row.cells[column].querySelector("data");
    return data === null ? null : Number(data.value);
  };
  return {
    labels: rows.map((row) => row.cells[0].textContent),
    urls: rows.map((row) => row.cells[0].querySelector("a").href),
    column: (number) => rows.map((row) => value(row, number)),
  };
}

function color(name) {
  return window.getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A colour with stripes, so that it can be told without seeing colours. */
function hatched(fill, direction) {
  const size = 6;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  context.fillStyle = fill;
  context.fillRect(0, 0, size, size);
  context.strokeStyle = color("--ob-page");
  context.lineWidth = 1.2;
  for (const offset of [-size, 0, size]) {
    context.beginPath();
    context.moveTo(offset, direction > 0 ? size : 0);
    context.lineTo(offset + size, direction > 0 ? 0 : size);
    context.stroke();
  }
  return context.createPattern(canvas, "repeat");
}

function axes(stacked) {
  const ticks = { color: color("--ob-subtle"), font: { family: "Inter, sans-serif", size: 11 } };
  return {
    x: { stacked, grid: { display: false }, border: { color: color("--ob-line") }, ticks: { ...ticks, autoSkipPadding: 24, maxRotation: 0 } },
    y: { stacked, beginAtZero: true, grid: { color: color("--ob-line") }, border: { display: false }, ticks: { ...ticks, maxTicksLimit: 5, ...(stacked ? { precision: 0 } : {}) } },
  };
}

function options(stacked) {
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: { legend: { display: false }, tooltip: { itemSort: (one, other) => one.datasetIndex - other.datasetIndex } },
    scales: axes(stacked),
    onClick: (_event, _elements, chart) => open(chart),
  };
}

/** Show the executions of the stretch of time under the pointer. */
function open(chart) {
  const [first] = chart.getActiveElements();
  if (first !== undefined) {
    window.location.assign(read().urls[first.index]);
  }
}

function bars(data) {
  return ENDED.map(({ name, column, color: variable, hatch }) => {
    const fill = color(variable);
    return { label: name, data: data.column(column), backgroundColor: hatch === undefined ? fill : hatched(fill, hatch), barPercentage: 0.9, categoryPercentage: 1, maxBarThickness: 24 };
  });
}

function lines(data) {
  return TIMES.map(({ name, column, color: variable, dash }) => {
    const stroke = color(variable);
    return { label: name, data: data.column(column), borderColor: stroke, backgroundColor: stroke, borderDash: dash, borderWidth: 2, pointRadius: lonely, pointHoverRadius: 4, tension: 0, clip: 4 };
  });
}

/** A point is drawn where no line leads to it or away from it. */
function lonely({ dataset, dataIndex }) {
  const { data } = dataset;
  const isAlone = (data[dataIndex - 1] ?? null) === null && (data[dataIndex + 1] ?? null) === null;
  return isAlone ? 2.5 : 0;
}

const charts = [
  { canvas: document.querySelector('[data-chart="ended"]'), type: "bar", datasets: bars, stacked: true },
  { canvas: document.querySelector('[data-chart="times"]'), type: "line", datasets: lines, stacked: false },
];
let drawn = null;

function draw() {
  const data = read();
  for (const each of charts) {
    if (each.chart === undefined) {
      each.chart = new window.Chart(each.canvas, { type: each.type, data: { labels: [], datasets: [] }, options: options(each.stacked) });
    }
    each.chart.data.labels = data.labels;
    const fresh = each.datasets(data);
    if (each.chart.data.datasets.length === 0) {
      each.chart.data.datasets = fresh;
    } else {
      fresh.forEach((dataset, index) => Object.assign(each.chart.data.datasets[index], dataset));
    }
    Object.assign(each.chart.options.scales, axes(each.stacked));
    each.chart.update("none");
  }
}

function redraw() {
  const now = TABLE.innerHTML;
  if (now !== drawn) {
    drawn = now;
    draw();
  }
}

if (TABLE.querySelector("table") !== null) {
  redraw();
  document.querySelector("[data-topic]").addEventListener("console:live", redraw);
  // Another colour scheme has other colours.
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
}
window.dashboardCharts = charts;
