const CR = 13;
const LF = 10;

/**
 * Takes an HTTP/1.1 answer in chunks apart as its bytes come, however they are cut, and copies nothing: the reader
 * of a thousand streams has no time to spare.
 */
export class ChunkedBody {
  /** The status, when the head has come. */
  status = 0;
  /** The last chunk has come. */
  ended = false;
  #state: 'head' | 'size' | 'data' | 'line' = 'head';
  #head = '';
  #size = '';
  #left = 0;

  /** Calls `take` with each part of the body: its place in `bytes`. Throws when the answer is not in chunks. */
  push(bytes: Buffer, take: (start: number, end: number) => void): void {
    for (let at = 0; at < bytes.length && !this.ended; ) at = this.#step(bytes, at, take);
  }

  #step(bytes: Buffer, at: number, take: (start: number, end: number) => void): number {
    if (this.#state === 'data') {
      const end = Math.min(bytes.length, at + this.#left);
      take(at, end);
      this.#left -= end - at;
      if (this.#left === 0) this.#state = 'line';
      return end;
    }
    if (this.#state === 'head') {
      const text = bytes.toString('latin1', at);
      const before = this.#head.length;
      this.#head += text;
      const end = this.#head.indexOf('\r\n\r\n');
      if (end === -1) return bytes.length;
      if (!/\r\ntransfer-encoding: *chunked/i.test(this.#head.slice(0, end)))
        throw new Error(`not in chunks: ${this.#head.slice(0, 500)}`);
      this.status = Number(this.#head.slice(9, 12));
      this.#state = 'size';
      return at + end + 4 - before;
    }
    const byte = bytes[at] ?? 0;
    if (byte === LF && this.#state === 'line') this.#state = 'size';
    else if (byte === LF) {
      this.#left = Number.parseInt(this.#size, 16);
      this.#size = '';
      this.#state = 'data';
      if (this.#left === 0) this.ended = true;
    } else if (byte !== CR) this.#size += String.fromCharCode(byte);
    return at + 1;
  }
}
