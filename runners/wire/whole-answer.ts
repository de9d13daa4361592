import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib';
import { type AnswerHead, contentCodings } from '../../src/outbound/answer-head.ts';
import type { Taker } from '../../src/outbound/exchange.ts';

/** Answers that are read into memory may have so many bytes, also when their coding is undone. */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** It would be as long the next time. */
export class AnswerTooLong extends Error {}

type Decode = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const [inflated, inflatedRaw] = [promisify(inflate), promisify(inflateRaw)] as [Decode, Decode];

const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  // Many leave out the zlib header that it should have (RFC 9110, 8.4.1.2).
  deflate: (bytes, options) => inflated(bytes, options).catch(() => inflatedRaw(bytes, options)),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
};

/** Collects an answer. `data` throws once it is too long. */
export class WholeAnswer implements Taker {
  readonly #chunks: Buffer[] = [];
  readonly #limit: number;
  #bytes = 0;
  #codings: string[] = [];

  constructor(limit = MAX_ANSWER_BYTES) {
    this.#limit = limit;
  }

  readonly head = (head: AnswerHead): boolean => {
    this.#codings = contentCodings(head);
    return true;
  };

  readonly data = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limit) throw new AnswerTooLong(`the answer is longer than ${this.#limit} bytes`);
    this.#chunks.push(chunk);
  };

  /**
   * The content, without the codings that some servers put on it unasked (RFC 9110, 8.4). Throws Error for a coding that
   * is not known, or is not what it says.
   */
  async content(): Promise<Buffer> {
    let bytes: Buffer = Buffer.concat(this.#chunks);
    for (const coding of this.#codings.toReversed()) {
      const decode = DECODERS[coding];
      if (decode === undefined)
        throw new Error(`the answer has the Content-Encoding ${coding}, which is not known`);
      bytes = await decode(bytes, { maxOutputLength: this.#limit }).catch(() => {
        throw new Error(`the answer cannot be read: it is not ${coding}, or too long`);
      });
    }
    return bytes;
  }
}
