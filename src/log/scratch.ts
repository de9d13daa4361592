const LEAST_BYTES = 4096;
/** So many are kept for who needs one next, and none that is larger. */
const MOST_IDLE = 16;
const MOST_BYTES = 1024 * 1024;

const idle: Scratch[] = [];

/**
 * Memory that is used again and again. What Buffers hold is outside V8's heap, which V8 looks through as a whole
 * to find out which of them can be given back: after every 16 MB or so of new ones.
 */
export class Scratch {
  #memory = Buffer.alloc(0);

  /** One that nobody else has. */
  static take(): Scratch {
    return idle.pop() ?? new Scratch();
  }

  /** At least so many bytes, whose contents are anything. Those given before may be among them. */
  room(bytes: number): Buffer {
    if (this.#memory.length < bytes)
      this.#memory = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(Math.max(bytes, LEAST_BYTES))));
    return this.#memory;
  }

  /** For others from now on. Not when somebody may still read from it or write to it: then it is left to V8. */
  giveBack(): void {
    if (idle.length < MOST_IDLE && this.#memory.length <= MOST_BYTES) idle.push(this);
  }
}
