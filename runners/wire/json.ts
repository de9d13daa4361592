import { isUtf8 } from 'node:buffer';
import { type Extent, excessNow } from '../../src/platform/json-extent.ts';
import { parseJson } from '../../src/platform/json-parse.ts';
import { sourceAt } from '../../src/platform/json-source.ts';

/** Undefined where the text is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** More than this takes the parser so long that everybody else waits. Lists of numbers and long texts may be as long as an answer. */
const MOST: Extent = {
  names: 50_000,
  escapedNames: 10_000,
  escapes: 4_000_000,
  containers: 200_000,
  levels: 500,
};
/** A shorter text has not more than takes a few milliseconds. */
const SHORT = 16_384;

/**
 * A text that may be JSON, with its digits. A byte order mark before it is none of it (RFC 8259, 8.1). One that has too
 * much in it is not looked into.
 */
export class JsonText {
  /** As it came. */
  readonly bytes: Buffer;
  readonly text: string;
  /** Undefined where it is no JSON. Numbers are JavaScript's. */
  readonly #plain: unknown;
  /** What it has too much of, in words; null: it has not. */
  readonly excess: string | null;

  constructor(content: Buffer | string) {
    this.bytes = Buffer.from(content);
    this.text = this.bytes.toString('utf8');
    this.excess = this.text.length <= SHORT ? null : excessNow(this.bytes, MOST);
    this.#plain = this.excess === null ? jsonIn(this.#bare) : undefined;
  }

  /** Undefined where it is no JSON. */
  get value(): unknown {
    return this.#plain;
  }

  get isJson(): boolean {
    return this.#plain !== undefined;
  }

  /** The value at a dotted path (`data.runs.0.id`), or undefined. Own fields and indexes only. Numbers are JavaScript's. */
  at(path: string): unknown {
    return stepsOf(path).reduce<unknown>(
      (value, step) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, step)
          ? (value as Record<string, unknown>)[step]
          : undefined,
      this.#plain,
    );
  }

  /** The JSON at a path, as it stands there; undefined where there is none. */
  jsonAt(path: string): string | undefined {
    return this.isJson ? sourceAt(this.#bare, stepsOf(path)) : undefined;
  }

  /** A text, number or truth value at a path, as text: a number by its digits. Undefined where there is none. */
  wordAt(path: string): string | undefined {
    const value = this.at(path);
    if (typeof value === 'number') return this.jsonAt(path);
    // In bytes that are no UTF-8 it may stand for anything: another's name is worse than none.
    if (typeof value === 'string' && value.includes('\ufffd') && !isUtf8(this.bytes)) return undefined;
    return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined;
  }

  get #bare(): string {
    return this.text.startsWith('\ufeff') ? this.text.slice(1) : this.text;
  }
}

function stepsOf(path: string): string[] {
  return path.split('.').filter((step) => step !== '');
}

/** The beginning of a text on one line, for a summary. */
export function preview(text: string, length = 200): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const line = text.replace(/[\u0000-\u0020\u007f]+/g, ' ').trim();
  return line.length <= length ? line : `${line.slice(0, length)}…`;
}
