import { isExactNumber, parseExact, wordOf } from '../../src/platform/exact-json.ts';

/** Undefined where the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A text that may be JSON, with its digits. A byte order mark before it is none of it (RFC 8259, 8.1). */
export class JsonText {
  /** As it came. */
  readonly bytes: Buffer;
  readonly text: string;
  /** Undefined where it is no JSON. Numbers are JavaScript's. */
  readonly plain: unknown;
  #exact: unknown;

  constructor(content: Buffer | string) {
    this.bytes = Buffer.from(content);
    this.text = this.bytes.toString('utf8');
    this.plain = parseJson(this.#bare);
  }

  get isJson(): boolean {
    return this.plain !== undefined;
  }

  /** The value at a dotted path (`data.runs.0.id`), or undefined. Own fields and indexes only. */
  at(path: string): unknown {
    const value = valueAt(this.plain, path);
    // Most of what is asked for has no digits: the slower reading is for what may have.
    return typeof value === 'number' || isBranch(value) ? valueAt(this.#withDigits(), path) : value;
  }

  /** A text, number or truth value at a path, as text; undefined where there is none. */
  wordAt(path: string): string | undefined {
    return wordOf(this.at(path));
  }

  get #bare(): string {
    return this.text.startsWith('\ufeff') ? this.text.slice(1) : this.text;
  }

  #withDigits(): unknown {
    try {
      this.#exact ??= parseExact(this.#bare);
    } catch {
      this.#exact = this.plain; // nested so deeply that it cannot be read otherwise
    }
    return this.#exact;
  }
}

function valueAt(document: unknown, path: string): unknown {
  let value = document;
  for (const step of path.split('.')) {
    if (step === '') continue;
    if (!isBranch(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

function isBranch(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !isExactNumber(value);
}

/** The beginning of a text on one line, for a summary. */
export function preview(text: string, length = 200): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const line = text.replace(/[\u0000-\u0020\u007f]+/g, ' ').trim();
  return line.length <= length ? line : `${line.slice(0, length)}…`;
}
