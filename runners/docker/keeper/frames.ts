import { type JournalFrame, LONGEST, PAYLOADS } from './payloads.ts';

export type { JournalFrame } from './payloads.ts';

const HEAD = 5;

/**
 * Takes apart the journal of a keeper, as its bytes come. Throws on what is no journal, and then takes no more.
 */
export class JournalReader {
  #rest: Buffer = Buffer.alloc(0);
  #offset = 0;
  #before: JournalFrame['type'] | 'nothing' | 'garbage' = 'nothing';

  /** Bytes of all whole frames that were handed out: a reader may go on from there with `resume`. */
  get offset(): number {
    return this.#offset;
  }

  /** Has the last frame of the journal been handed out. */
  get ended(): boolean {
    return this.#before === 'end';
  }

  /** One that goes on at the `offset` of another. */
  static resume(offset: number): JournalReader {
    const reader = new JournalReader();
    reader.#offset = offset;
    if (offset > 0) reader.#before = 'output';
    return reader;
  }

  push(chunk: Uint8Array): JournalFrame[] {
    const frames: JournalFrame[] = [];
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (this.#rest.length - at > 0) {
      const size = this.#sizeAt(at);
      if (size === null || this.#rest.length - at < size) break;
      frames.push(this.#frame(this.#rest.subarray(at, at + size)));
      at += size;
    }
    this.#rest = this.#rest.subarray(at);
    return frames;
  }

  #sizeAt(at: number): number | null {
    const letter = String.fromCharCode(this.#rest.readUInt8(at));
    const shape = PAYLOADS.get(letter);
    if (this.#before === 'end' || this.#before === 'garbage' || !shape) throw this.#fault(at);
    if (this.#rest.length - at < HEAD) return null;
    const length = this.#rest.readUInt32LE(at + 1);
    if (shape.length === undefined ? length > LONGEST || length === 0 : length !== shape.length)
      throw this.#fault(at);
    return HEAD + length;
  }

  #frame(bytes: Buffer): JournalFrame {
    const frame = PAYLOADS.get(String.fromCharCode(bytes.readUInt8(0)))?.read(bytes.subarray(HEAD)) ?? null;
    if (frame === null || !mayFollow(this.#before, frame.type)) throw this.#fault(0, bytes);
    this.#before = frame.type;
    this.#offset += bytes.length;
    return frame;
  }

  #fault(at: number, bytes = this.#rest): Error {
    this.#before = 'garbage';
    const seen = bytes.subarray(at, at + HEAD).toString('hex');
    return new Error(`this is no journal of a keeper: ${seen} at byte ${this.#offset}`);
  }
}

function mayFollow(before: string, type: JournalFrame['type']): boolean {
  if (type === 'started' || type === 'not_started') return before === 'nothing';
  if (before === 'nothing') return false;
  if (before === 'not_started' || before === 'exited') return type === 'end';
  return before === 'killed' ? type === 'exited' : true;
}
