/* Forms made of types: the server renders them; this sends what was typed there and merges the answer into the page.
 *
 * No value is read or changed here, so no number loses digits.
 */

const QUIET_MS = 300;
const MOST_FILE_BYTES = 256 * 1024;

class TypedForm {
  /** @param {HTMLFormElement} form With one element `#typed-form`, which the server's answers replace. */
  constructor(form) {
    this.form = form;
    this.body = document.getElementById("typed-form");
    this.edits = 0;
    this.isSubmitted = false;
    form.addEventListener("input", (event) => this.typed(event.target));
    form.addEventListener("submit", (event) => this.submitted(event));
    form.addEventListener("keydown", (event) => this.pressed(event));
    form.addEventListener("click", (event) => this.chooseFile(event.target));
    // A browser that keeps pages shows this one again as it was left.
    window.addEventListener("pageshow", () => this.setSubmitted(false));
    this.offerDraft();
    this.focusProblem();
  }

  typed(input) {
    this.edits += 1;
    this.keepDraft();
    window.clearTimeout(this.timer);
    const wait = input.matches("[data-rerender]") ? 0 : QUIET_MS;
    this.timer = window.setTimeout(() => this.ask(this.data("check")), wait);
  }

  data(action) {
    const data = new FormData(this.form);
    data.set("do", action);
    return data;
  }

  async submitted(event) {
    window.clearTimeout(this.timer);
    const action = event.submitter === null ? "" : event.submitter.name === "do" ? event.submitter.value : "";
    if (action !== "") {
      event.preventDefault();
      this.edits += 1;
      await this.ask(this.data(action));
      this.focusAfter(action);
      this.keepDraft();
    } else if (this.isSubmitted) {
      event.preventDefault();
    } else {
      window.sessionStorage.removeItem(this.form.dataset.draft);
      // Behind the event, as what is disabled would not be sent.
      window.setTimeout(() => this.setSubmitted(true));
    }
  }

  setSubmitted(is) {
    this.isSubmitted = is;
    for (const button of this.form.querySelectorAll("[data-submit]")) {
      button.disabled = is;
    }
  }

  pressed(event) {
    if (event.key !== "Enter") {
      return;
    }
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.form.requestSubmit(this.form.querySelector("[data-submit]"));
    } else if (event.target.matches("input")) {
      // It would press the first button of the form.
      event.preventDefault();
    }
  }

  /** Send what was typed, and show the form as the server makes it; not if somebody typed on meanwhile. */
  async ask(data) {
    const edits = this.edits;
    let answer;
    try {
      answer = await fetch(this.form.action, { method: "POST", body: data, headers: { "X-Form-Fragment": "1" }, redirect: "error" });
    } catch {
      this.say("The server does not answer; what you typed is still here.");
      return;
    }
    if (!answer.ok) {
      this.say(answer.status === 403 ? "You were logged out, or may not do this any more." : "The form could not be checked.");
      return;
    }
    const html = await answer.text();
    if (edits === this.edits && !this.isSubmitted) {
      const options = { morphStyle: "innerHTML", ignoreActiveValue: true, callbacks: { beforeAttributeUpdated: keepSize } };
      window.Idiomorph.morph(this.body, html, options);
      this.unsay();
    }
  }

  say(text) {
    let note = document.getElementById("form-note");
    if (note === null) {
      note = document.createElement("p");
      note.id = "form-note";
      note.className = "ob-banner ob-bad";
      note.setAttribute("role", "alert");
      this.form.prepend(note);
    }
    note.textContent = text;
  }

  unsay() {
    const note = document.getElementById("form-note");
    if (note !== null) {
      note.remove();
    }
  }

  focusProblem() {
    const wrong = this.form.querySelector("[aria-invalid]");
    if (wrong !== null) {
      wrong.focus();
    }
  }

  focusAfter(action) {
    const [verb, name] = [action.slice(0, action.indexOf(":")), action.slice(action.indexOf(":") + 1)];
    const part = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
    if (verb === "add" && part !== null) {
      const items = part.querySelectorAll(":scope > .ob-part-body > [data-part]");
      const last = items[items.length - 1];
      (last.querySelector("input:not([type=hidden]), textarea, select") || last).focus();
    } else if (verb === "tab") {
      document.querySelector(`[name="do"][value="${CSS.escape(action)}"]`).focus();
    } else if (verb === "remove" || verb === "up" || verb === "down") {
      const list = document.querySelector(`[data-part="${CSS.escape(name.slice(0, name.lastIndexOf("[")))}"]`);
      if (list !== null) {
        (list.querySelector(`[name="do"][value="${CSS.escape(action)}"]`) || list).focus();
      }
    }
  }

  chooseFile(button) {
    const name = button.dataset.fileInto;
    if (name === undefined) {
      return;
    }
    // Not in the page: the theme would take it for an input of its own.
    const input = document.createElement("input");
    input.type = "file";
    input.addEventListener("change", () => this.takeFile(name, input.files[0]));
    input.click();
  }

  /** A file's bytes as hex digits in the field beside its button. */
  async takeFile(name, file) {
    if (file.size > MOST_FILE_BYTES) {
      this.say(`${file.name} has ${file.size} bytes; a form takes ${MOST_FILE_BYTES}. Use the API.`);
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    this.edits += 1;
    const data = this.data("check");
    data.set(name, Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
    data.set(`${name}~`, "hex");
    await this.ask(data);
    this.keepDraft();
  }

  keepDraft() {
    const kept = [...new FormData(this.form)].filter(([name]) => name !== "csrfmiddlewaretoken" && name !== "execution_id");
    try {
      window.sessionStorage.setItem(this.form.dataset.draft, JSON.stringify(kept));
    } catch {
      // The browser's store is full or switched off: then there is no draft.
    }
  }

  offerDraft() {
    const kept = window.sessionStorage.getItem(this.form.dataset.draft);
    if (kept === null || this.form.dataset.noDraft !== undefined || this.form.querySelector("[aria-invalid]") !== null) {
      return;
    }
    const bar = document.createElement("p");
    bar.className = "ob-banner";
    bar.textContent = "You had begun to fill this in. ";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ob-button";
    button.textContent = "Go on with that";
    button.addEventListener("click", async () => {
      const data = new FormData();
      for (const name of ["csrfmiddlewaretoken", "execution_id", "types"]) {
        const input = this.form.querySelector(`[name="${name}"]`);
        if (input !== null) {
          data.set(name, input.value);
        }
      }
      for (const [name, value] of JSON.parse(kept)) {
        if (name !== "types") {
          data.append(name, value);
        }
      }
      data.set("do", "check");
      this.edits += 1;
      await this.ask(data);
      bar.remove();
    });
    bar.append(button);
    this.form.before(bar);
  }
}

/* Areas that people have made larger stay so. */
function keepSize(name, node) {
  return !(name === "style" && node.tagName === "TEXTAREA");
}

for (const form of document.querySelectorAll("[data-typed-form]")) {
  new TypedForm(form);
}
