// Bodies piece by piece: as much of the web's ReadableStream as they need.

import { bytesOf, utf8 } from "runtime:encoding";

export class ReadableStream {
  #source;
  #controller;
  #started;
  #chunks = [];
  #isClosed = false;
  #failure = null;
  #isDisturbed = false;
  #reader = null;
  #onChange = () => {};

  constructor(source = {}) {
    this.#source = source;
    this.#controller = {
      desiredSize: 1,
      enqueue: (chunk) => {
        if (this.#isClosed || this.#failure !== null) {
          throw new TypeError("the stream has ended");
        }
        this.#chunks.push(chunk);
        this.#onChange();
      },
      close: () => {
        this.#isClosed = true;
        this.#onChange();
      },
      error: (error) => {
        this.#failure = { error };
        this.#onChange();
      },
    };
    this.#started = Promise.resolve(source.start?.(this.#controller));
  }

  static from(iterable) {
    const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]();
    return new ReadableStream({
      async pull(controller) {
        const { value, done } = await iterator.next();
        done ? controller.close() : controller.enqueue(value);
      },
      cancel: (reason) => iterator.return?.(reason),
    });
  }

  get locked() {
    return this.#reader !== null;
  }

  getReader() {
    if (this.locked) {
      throw new TypeError("the stream has a reader already");
    }
    const reader = {
      read: () => this.#next(),
      cancel: (reason) => this.#cancel(reason),
      releaseLock: () => {
        this.#reader = null;
      },
    };
    this.#reader = reader;
    return reader;
  }

  async cancel(reason) {
    if (this.locked) {
      throw new TypeError("the stream has a reader, which may cancel it");
    }
    await this.#cancel(reason);
  }

  async *values() {
    const reader = this.getReader();
    let isOver = false;
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) {
          isOver = true;
          return;
        }
        yield value;
      }
    } catch (error) {
      isOver = true;
      throw error;
    } finally {
      if (!isOver) {
        await reader.cancel();
      }
      reader.releaseLock();
    }
  }

  [Symbol.asyncIterator]() {
    return this.values();
  }

  async #next() {
    this.#isDisturbed = true;
    await this.#started;
    for (;;) {
      if (this.#chunks.length > 0) {
        return { value: this.#chunks.shift(), done: false };
      }
      if (this.#failure !== null) {
        throw this.#failure.error;
      }
      if (this.#isClosed) {
        return { value: undefined, done: true };
      }
      const changed = new Promise((resolve) => (this.#onChange = resolve));
      await this.#source.pull?.(this.#controller);
      await changed;
    }
  }

  async #cancel(reason) {
    this.#isDisturbed = true;
    this.#isClosed = true;
    this.#chunks = [];
    await this.#source.cancel?.(reason);
  }

  static isDisturbed(stream) {
    return stream.#isDisturbed;
  }
}

// The bytes of a piece of a body: text or bytes.
export function chunkBytes(chunk) {
  return typeof chunk === "string" ? utf8(chunk) : bytesOf(chunk);
}

// All bytes of a stream.
export async function collect(stream) {
  const pieces = [];
  for await (const chunk of stream) {
    pieces.push(chunkBytes(chunk));
  }
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
