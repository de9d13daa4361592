import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { type AnswerHead, singleOrNone } from './answer-head.ts';
import type { Taker } from './exchange.ts';

/** Answers that are read into memory may have so many bytes, also when their coding is undone. */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

const DECODERS: Readonly<
  Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
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
    const named =
      singleOrNone(head, 'content-encoding')
        ?.toLowerCase()
        .split(/[\s,]+/) ?? [];
    this.#codings = named.filter((coding) => coding !== '' && coding !== 'identity');
    return true;
  };

  readonly data = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limit) throw new Error(`the answer is longer than ${this.#limit} bytes`);
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
