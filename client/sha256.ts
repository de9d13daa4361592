/** SHA-256 of bytes that come in parts. */
export interface Hash {
  update(bytes: Uint8Array): void;
  /** In hexadecimal. */
  digest(): string;
}

interface Crypto {
  createHash(name: string): { update(bytes: Uint8Array): unknown; digest(form: 'hex'): string };
}

/** That of the machine where there is one; a browser hashes only what is there as a whole, so that it is done here. */
export function sha256(): Hash {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): Crypto | undefined } };
  const native = process?.getBuiltinModule?.('node:crypto')?.createHash('sha256');
  if (native === undefined) return new PlainHash();
  return { update: (bytes) => void native.update(bytes), digest: () => native.digest('hex') };
}

/** FIPS 180-4, 4.2.2 and 5.3.3: the first 32 bits of the fractional parts of roots of primes. */
const PRIMES = primes(64);
const K = new Uint32Array(PRIMES.map((prime) => fraction(prime ** (1 / 3))));
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

/** FIPS 180-4, 6.2. */
export class PlainHash implements Hash {
  readonly #state = new Uint32Array(START);
  readonly #words = new Uint32Array(64);
  readonly #block = new Uint8Array(64);
  #filled = 0;
  #bytes = 0;

  update(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + 64 - this.#filled);
      this.#block.set(part, this.#filled);
      from += part.length;
      this.#filled = (this.#filled + part.length) % 64;
      if (this.#filled === 0) this.#compress();
    }
  }

  digest(): string {
    const bits = this.#bytes * 8;
    const end = new Uint8Array((this.#filled < 56 ? 64 : 128) - this.#filled);
    end[0] = 0x80;
    const view = new DataView(end.buffer);
    view.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(end.length - 4, bits % 2 ** 32);
    this.update(end);
    return [...this.#state].map((word) => word.toString(16).padStart(8, '0')).join('');
  }

  #compress(): void {
    const w = this.#words;
    const view = new DataView(this.#block.buffer);
    for (let t = 0; t < 16; t++) w[t] = view.getUint32(4 * t);
    for (let t = 16; t < 64; t++) {
      const [a, b] = [w[t - 15] as number, w[t - 2] as number];
      const s0 = turned(a, 7) ^ turned(a, 18) ^ (a >>> 3);
      const s1 = turned(b, 17) ^ turned(b, 19) ^ (b >>> 10);
      w[t] = (w[t - 16] as number) + s0 + (w[t - 7] as number) + s1;
    }
    let [a, b, c, d, e, f, g, h] = this.#state as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let t = 0; t < 64; t++) {
      const big1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
      const one = (h + big1 + ((e & f) ^ (~e & g)) + (K[t] as number) + (w[t] as number)) | 0;
      const big0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
      const two = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    for (const [at, word] of [a, b, c, d, e, f, g, h].entries())
      this.#state[at] = (this.#state[at] as number) + word;
  }
}

const turned = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

function fraction(root: number): number {
  return Math.floor((root % 1) * 2 ** 32);
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let at = 2; found.length < count; at++) if (found.every((prime) => at % prime !== 0)) found.push(at);
  return found;
}
