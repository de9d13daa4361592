const NOTHING = Buffer.alloc(0);

/** Bytes that come in pieces, taken as they are needed. What is taken is good until more is asked for. */
export class ByteFeed {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer;

  /** `before`: as if it had come first. */
  constructor(source: AsyncIterable<Buffer>, before: Buffer = NOTHING) {
    this.#source = source[Symbol.asyncIterator]();
    this.#rest = before;
  }

  /** What has come and was not taken. */
  get rest(): Buffer {
    return this.#rest;
  }

  /** So many bytes of the rest, or all of it. */
  take(bytes: number): Buffer {
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }

  /** More, behind the rest. False: there is none. */
  async more(): Promise<boolean> {
    // A piece's memory may be used anew when the next is asked for.
    const carried = Buffer.from(this.#rest);
    this.#rest = carried;
    for (;;) {
      const { done, value } = await this.#source.next();
      if (done) return false;
      if (value.length === 0) continue;
      this.#rest = carried.length === 0 ? value : Buffer.concat([carried, value]);
      return true;
    }
  }

  /** So many bytes are there to be taken. False: fewer came. */
  async atLeast(bytes: number): Promise<boolean> {
    while (this.#rest.length < bytes) if (!(await this.more())) return false;
    return true;
  }

  /** All that was not taken, a piece at a time. Who leaves in between may go on later. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return {
      next: async () => {
        if (this.#rest.length === 0 && !(await this.more())) return { done: true, value: undefined };
        return { done: false, value: this.take(this.#rest.length) };
      },
    };
  }
}
