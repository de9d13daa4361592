/** Texts that are looked for in bytes, as they are written: no pattern can be made that takes long. */
export class Texts {
  readonly #needles: readonly Buffer[];
  readonly #ignoreCase: boolean;

  /** `ignoreCase`: of the letters A to Z. */
  constructor(texts: readonly string[], ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
    this.#needles = texts.map((text) => {
      const bytes = Buffer.from(text);
      return ignoreCase ? lowered(bytes) : bytes;
    });
  }

  /** Where the first of them stands; null: none does. */
  firstIn(bytes: Buffer): number | null {
    const searched = this.#ignoreCase ? lowered(bytes) : bytes;
    const places = this.#needles.map((needle) => searched.indexOf(needle)).filter((at) => at >= 0);
    return places.length === 0 ? null : Math.min(...places);
  }

  get longest(): number {
    return Math.max(...this.#needles.map(({ length }) => length));
  }
}

function lowered(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 0; at < copy.length; at++) {
    const byte = copy[at] ?? 0;
    if (byte >= 65 && byte <= 90) copy[at] = byte | 32;
  }
  return copy;
}

/** The byte at which one of them begins first in what comes, the first at `offset`; null: in none of it. */
export async function placeOf(
  texts: Texts,
  parts: AsyncIterable<Uint8Array>,
  offset: number,
): Promise<number | null> {
  let kept = Buffer.alloc(0);
  let at = offset;
  for await (const part of parts) {
    const bytes = Buffer.concat([kept, part]);
    const place = texts.firstIn(bytes);
    if (place !== null) return at + place;
    const overlap = Math.min(bytes.length, texts.longest - 1);
    at += bytes.length - overlap;
    kept = bytes.subarray(bytes.length - overlap);
  }
  return null;
}
