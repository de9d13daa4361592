const LEAST_BYTES = 4096;

/**
 * Memory that is used again and again. What Buffers hold is outside V8's heap, which V8 looks through as a whole
 * to find out which of them can be given back: after every 16 MB or so of new ones.
 */
export class Scratch {
  #memory = Buffer.alloc(0);

  /** At least so many bytes, whose contents are anything. Those given before may be among them. */
  room(bytes: number): Buffer {
    if (this.#memory.length < bytes)
      this.#memory = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(Math.max(bytes, LEAST_BYTES))));
    return this.#memory;
  }
}
