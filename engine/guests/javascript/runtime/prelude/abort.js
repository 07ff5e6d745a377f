// Events, and AbortController.

export class Event {
  constructor(type) {
    this.type = String(type);
    this.target = null;
  }
}

export class EventTarget {
  #listeners = new Map();

  addEventListener(type, listener, options) {
    const listeners = this.#listeners.get(type) ?? [];
    this.#listeners.set(type, [...listeners.filter((each) => each.listener !== listener), { listener, once: options?.once }]);
  }

  removeEventListener(type, listener) {
    this.#listeners.set(type, (this.#listeners.get(type) ?? []).filter((each) => each.listener !== listener));
  }

  dispatchEvent(event) {
    event.target = this;
    for (const { listener, once } of this.#listeners.get(event.type) ?? []) {
      if (once) {
        this.removeEventListener(event.type, listener);
      }
      typeof listener === "function" ? listener.call(this, event) : listener.handleEvent(event);
    }
    this[`on${event.type}`]?.(event);
    return true;
  }
}

export class AbortSignal extends EventTarget {
  aborted = false;
  reason = undefined;

  static abort(reason) {
    const controller = new AbortController();
    controller.abort(reason);
    return controller.signal;
  }

  static timeout(milliseconds) {
    const controller = new AbortController();
    globalThis.setTimeout(
      () => controller.abort(new DOMException("The operation timed out.", "TimeoutError")),
      milliseconds,
    );
    return controller.signal;
  }

  // Aborts as soon as one of them does.
  static any(signals) {
    const controller = new AbortController();
    for (const signal of signals) {
      if (signal.aborted) {
        controller.abort(signal.reason);
      }
      signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
    }
    return controller.signal;
  }

  throwIfAborted() {
    if (this.aborted) {
      throw this.reason;
    }
  }
}

export class AbortController {
  signal = new AbortSignal();

  abort(reason = new DOMException("The operation was aborted.", "AbortError")) {
    if (!this.signal.aborted) {
      this.signal.aborted = true;
      this.signal.reason = reason;
      this.signal.dispatchEvent(new Event("abort"));
    }
  }
}
