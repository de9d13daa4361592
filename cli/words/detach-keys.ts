import { InvalidArgumentError } from 'commander';

export const DETACH_KEYS = 'ctrl-p,ctrl-q';

/** Keys as `docker` has them: characters and ctrl-<character>, with commas between. Throws InvalidArgumentError. */
export function detachKeys(text: string): Buffer {
  return Buffer.from(text.split(',').map(keyOf));
}

function keyOf(name: string): number {
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(name)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  if (/^[\x21-\x7e]$/.test(name)) return name.charCodeAt(0);
  throw new InvalidArgumentError(`Keys are like ctrl-p,ctrl-q, and this is one: ${name}`);
}

/** Looks for keys among those that are typed. What may be the beginning of them waits for the next. */
export class KeyWatch {
  readonly #keys: Buffer;
  #seen = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What is to be typed, and whether the keys were. Nothing is typed after them. */
  pass(typed: Buffer): { bytes: Buffer; isFound: boolean } {
    const passed: number[] = [];
    for (const byte of typed) {
      while (byte !== this.#keys[this.#seen] && this.#seen > 0) this.#shift(passed);
      if (byte !== this.#keys[this.#seen]) passed.push(byte);
      else if (++this.#seen === this.#keys.length) return { bytes: Buffer.from(passed), isFound: true };
    }
    return { bytes: Buffer.from(passed), isFound: false };
  }

  /** The first of the seen keys was none; the others may be the first ones. */
  #shift(passed: number[]): void {
    const seen = this.#keys.subarray(0, this.#seen);
    do passed.push(seen[seen.length - this.#seen--] as number);
    while (!seen.subarray(seen.length - this.#seen).equals(this.#keys.subarray(0, this.#seen)));
  }
}
