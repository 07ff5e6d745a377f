/* Wheel and pointer on a timeline: zooming, moving, choosing a time, and what stands under the pointer. */

import { drawOverview, ROW_HEIGHT } from "./timeline_drawing.js";
import { describe } from "./timeline_words.js";

const LEAST_DRAG_PX = 4;

export class Pointing {
  /** @param {object} timeline The timeline, with its parts. */
  constructor(timeline) {
    this.timeline = timeline;
    this.warmed = -1;
    const { graph, chart, overview } = timeline.parts;
    graph.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    chart.addEventListener("pointermove", (event) => this.pointed(event));
    chart.addEventListener("pointerleave", () => this.hideTip());
    chart.addEventListener("pointerdown", (event) => this.startPan(event));
    chart.addEventListener("dblclick", (event) => this.doubleClicked(event));
    overview.addEventListener("pointerdown", (event) => this.startDrag(event));
    window.addEventListener("keydown", (event) => event.key === "Escape" && this.hideTip());
  }

  wheeled(event) {
    const onChart = event.target.closest(".tl-chart, .tl-axis, .tl-overview") !== null;
    if (!onChart || this.timeline.answer === null) {
      return;
    }
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const x = event.clientX - this.timeline.parts.chart.getBoundingClientRect().left;
      this.timeline.zoom(Math.exp(-Math.sign(event.deltaY) * 0.25), Math.max(0, Math.min(this.timeline.width(), x)));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.timeline.pan(Math.sign(event.deltaX || event.deltaY) * 0.1);
    }
  }

  pointed(event) {
    const index = Math.floor((event.clientY - this.timeline.parts.chart.getBoundingClientRect().top) / ROW_HEIGHT);
    const row = this.timeline.answer?.rows[index];
    this.warm(index);
    const bar = row?.bars?.[event.target.dataset?.bar];
    const sign = row?.signs?.[event.target.dataset?.sign];
    if (bar !== undefined || sign !== undefined) {
      this.showTip(describe(row, bar || sign, this.timeline.answer.base), event.clientX + 12, event.clientY + 16);
    } else {
      this.timeline.parts.tip.hidden = true;
    }
  }

  doubleClicked(event) {
    const index = Math.floor((event.clientY - this.timeline.parts.chart.getBoundingClientRect().top) / ROW_HEIGHT);
    const row = this.timeline.answer?.rows[index];
    const span = row?.bars?.[event.target.dataset?.bar] || row;
    if (span !== undefined) {
      const end = span.end === undefined ? this.timeline.answer.limit : span.end;
      const room = (end - span.begin) * 0.1;
      this.timeline.look(span.begin - room, end + room);
    }
  }

  /** Mark the row that the pointer is on; without a number, the same as before on what was drawn anew. */
  warm(index = this.warmed) {
    this.warmed = index;
    const labels = this.timeline.parts.labels.children;
    const stripe = this.timeline.parts.chart.querySelector(".tl-stripe");
    stripe?.setAttribute("y", index * ROW_HEIGHT);
    stripe?.classList.toggle("tl-hot", labels[index] !== undefined);
    [...labels].forEach((each, at) => each.classList.toggle("tl-hot", at === index));
  }

  showTip(content, x, y) {
    const { tip } = this.timeline.parts;
    tip.replaceChildren(content);
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x, window.innerWidth - width - 8))}px`;
    tip.style.top = `${y + height + 8 > window.innerHeight ? Math.max(8, y - height - 32) : y}px`;
  }

  hideTip() {
    this.timeline.parts.tip.hidden = true;
    this.warm(-1);
  }

  /** Tell others which row was clicked; its bars may be too short to be hit. */
  picked(event) {
    const index = Math.floor((event.clientY - this.timeline.parts.chart.getBoundingClientRect().top) / ROW_HEIGHT);
    const row = this.timeline.answer?.rows[index];
    if (row?.links !== undefined) {
      this.timeline.panel.dispatchEvent(new CustomEvent("timeline:pick", { detail: row }));
    }
  }

  /** Let people move the bars. */
  startPan(event) {
    if (this.timeline.answer === null || event.button !== 0) {
      return;
    }
    const { chart } = this.timeline.parts;
    const by = (at) => at.clientX - event.clientX;
    this.drag(chart, event, {
      move: (at) => chart.style.setProperty("translate", `${by(at)}px`),
      stop: (at) => {
        chart.style.removeProperty("translate");
        if (at.type === "pointerup" && Math.abs(by(at)) >= LEAST_DRAG_PX) {
          this.timeline.pan(-by(at) / this.timeline.width());
        } else if (at.type === "pointerup") {
          this.picked(at);
        }
      },
    });
  }

  /** Tell where a pointer moves that has just been pressed, and where it is let go. */
  drag(element, event, { move, stop }) {
    const moved = (at) => {
      // Not before it is a drag: a click would then be told to the whole, not to the bar.
      if (Math.abs(at.clientX - event.clientX) >= LEAST_DRAG_PX) {
        element.setPointerCapture(at.pointerId);
        move(at);
      }
    };
    const end = (at) => {
      element.removeEventListener("pointermove", moved);
      element.removeEventListener("pointerup", end);
      element.removeEventListener("pointercancel", end);
      stop(at);
    };
    element.addEventListener("pointermove", moved);
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
  }

  /** Let people draw a stretch of time along the overview. */
  startDrag(event) {
    if (this.timeline.answer === null || event.button !== 0) {
      return;
    }
    const { overview } = this.timeline.parts;
    const left = overview.getBoundingClientRect().left;
    const pieces = this.timeline.answer.overview_pieces;
    const last = pieces[pieces.length - 1].x1;
    const place = (at) => Math.max(0, Math.min(last, at.clientX - left));
    const from = place(event);
    const move = (at) => drawOverview(overview, { ...this.timeline.answer, overview_begin: Math.min(from, place(at)), overview_end: Math.max(from, place(at)) });
    const stop = (at) => {
      const to = at.type === "pointerup" ? place(at) : from;
      if (Math.abs(to - from) < LEAST_DRAG_PX) {
        const middle = this.timeline.timeAt(from, pieces);
        const half = (this.timeline.answer.end - this.timeline.answer.begin) / 2;
        this.timeline.look(middle - half, middle + half);
      } else {
        this.timeline.look(this.timeline.timeAt(Math.min(from, to), pieces), this.timeline.timeAt(Math.max(from, to), pieces));
      }
    };
    this.drag(overview, event, { move, stop });
  }
}
