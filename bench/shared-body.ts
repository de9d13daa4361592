import { createHash } from 'node:crypto';
import { MARK } from './clock.ts';

/** A mark is not longer: `@`, nanoseconds, a space. */
const MARK_BYTES = 32;

/**
 * The body that many readers of one run get: whoever is first at a place writes it down, the others are compared
 * with it byte for byte. In the end one body is decoded, and all were the same.
 */
export class SharedBody {
  length = 0;
  /** When the program wrote what ends at `at`: nanoseconds of its clock. */
  readonly marks: { at: number; time: number }[] = [];
  #bytes: Buffer;
  #scanned = 0;

  constructor(room: number) {
    this.#bytes = Buffer.alloc(room);
  }

  /** False when `part`, from `position` on, is not what another reader got there. */
  take(position: number, part: Buffer): boolean {
    const known = Math.max(0, Math.min(part.length, this.length - position));
    if (known > 0 && part.compare(this.#bytes, position, position + known, 0, known) !== 0) return false;
    if (known < part.length) this.#add(part.subarray(known));
    return true;
  }

  #add(part: Buffer): void {
    if (this.length + part.length > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length + part.length)]);
    part.copy(this.#bytes, this.length);
    this.length += part.length;
    const text = this.#bytes.toString('latin1', this.#scanned, this.length);
    let after = 0;
    for (const found of text.matchAll(MARK)) {
      after = found.index + found[0].length;
      this.marks.push({ at: this.#scanned + after, time: Number(found[1]) });
    }
    this.#scanned += Math.max(after, text.length - MARK_BYTES);
  }

  /** Decodes the events: throws unless they are whole, and the output has the hash that the result says. Returns its length. */
  verify(): number {
    const hash = createHash('sha256');
    let seq = 0;
    let bytes = 0;
    let told: string | undefined;
    for (const event of this.#bytes.toString('utf8', 0, this.length).split('\n\n').slice(0, -1)) {
      const data = /^data: ?(.*)$/m.exec(event)?.[1];
      if (data === undefined) continue; // a comment
      const { seq: number, type, text, base64, outcome } = JSON.parse(data) as SharedEvent;
      if (number !== ++seq) throw new Error(`event ${seq} is missing`);
      if (told !== undefined) throw new Error('there is an event after finished');
      if (type === 'stdout') {
        const output = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
        hash.update(output);
        bytes += output.length;
      }
      if (type === 'finished') told = outcome?.stdout.sha256;
    }
    if (told === undefined || hash.digest('hex') !== told)
      throw new Error('the output is not what the result tells');
    return bytes;
  }
}

interface SharedEvent {
  seq: number;
  type: string;
  text?: string;
  base64?: string;
  outcome?: { stdout: { sha256: string } };
}
