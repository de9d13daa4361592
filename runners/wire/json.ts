import type { AnswerHead, Taker } from './client.ts';

/** Answers that are read into memory may have so many bytes. */
export const MAX_JSON_BYTES = 16 * 1024 * 1024;

/** Collects an answer's text. `data` throws once it is too long. */
export class TextTaker implements Taker {
  readonly #chunks: Buffer[] = [];
  readonly #limit: number;
  #bytes = 0;

  constructor(limit = MAX_JSON_BYTES) {
    this.#limit = limit;
  }

  readonly head = (_head: AnswerHead): boolean => true;

  readonly data = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limit) throw new Error(`the answer is longer than ${this.#limit} bytes`);
    this.#chunks.push(chunk);
  };

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/** Undefined where the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The value at a dotted path (`data.runs.0.id`), or undefined. Own fields and indexes only. */
export function valueAt(document: unknown, path: string): unknown {
  let value = document;
  for (const step of path.split('.')) {
    if (step === '') continue;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** A text, number or truth value at a path, as text; undefined where there is none. */
export function wordAt(document: unknown, path: string): string | undefined {
  const value = valueAt(document, path);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/** The beginning of a text on one line, for a summary. */
export function preview(text: string, length = 200): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const line = text.replace(/[\u0000-\u0020\u007f]+/g, ' ').trim();
  return line.length <= length ? line : `${line.slice(0, length)}…`;
}
