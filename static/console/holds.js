/* What somebody is busy with is not changed under his hands: it waits until he is done. */

const TOLD_AFTER_MS = 30000;
const OPEN_MENUS = '[aria-haspopup][aria-expanded="true"], dialog[open], :popover-open, details.ob-menu[open]';

/** Whether somebody selects text, types or has a menu open within an element. */
export function isBusy(element) {
  const selection = window.getSelection();
  if (selection !== null && !selection.isCollapsed && selection.containsNode(element, true)) {
    return true;
  }
  const active = document.activeElement;
  const types = active !== null && element.contains(active) && active.matches("input, textarea, select");
  return types || element.querySelector(OPEN_MENUS) !== null;
}

export class Holds {
  /** @param {(isLong: boolean) => void} tell Hears whether something has been waiting for long. */
  constructor(tell) {
    this.tell = tell;
    this.held = new Map();
    document.addEventListener("selectionchange", () => this.release());
    document.addEventListener("focusout", () => window.setTimeout(() => this.release()));
    window.setInterval(() => this.release(), 1000);
  }

  /** Do something to an element, or later; of what waits for one element only the last counts. */
  change(element, work) {
    if (isBusy(element)) {
      this.held.set(element, { work, since: this.held.get(element)?.since || performance.now() });
    } else {
      this.held.delete(element);
      work();
    }
  }

  release() {
    for (const [element, { work }] of [...this.held]) {
      if (!element.isConnected) {
        this.held.delete(element);
      } else if (!isBusy(element)) {
        this.held.delete(element);
        work();
      }
    }
    const now = performance.now();
    this.tell([...this.held.values()].some(({ since }) => now - since > TOLD_AFTER_MS));
  }

  /** Go on all the same. */
  end() {
    window.getSelection()?.removeAllRanges();
    document.activeElement?.blur();
    this.release();
  }
}
