import type { RunOutput } from '../../src/contract/context.ts';
import type { Phase, Stream } from '../../src/documents/stream.ts';
import type { JournalFrame } from './keeper/frames.ts';

type Told = Extract<JournalFrame, { type: 'output' | 'gap' }>;

const NOTHING = Buffer.alloc(2 ** 20);

/** What programs of one phase wrote, as their journals tell it: passed on from where an earlier server was. */
export class KeptOutput {
  readonly #output: RunOutput;
  readonly #phase: Phase;
  /** Bytes that were captured before. */
  readonly #known: Readonly<Record<Stream, number>>;
  /** Bytes told by journals so far. */
  readonly #told: Record<Stream, number> = { stdout: 0, stderr: 0 };
  /** Of these the disk of the engine did not take some: a capture has no holes. */
  readonly #broken = new Set<Stream>();
  /** Bytes that the disk of the engine did not take, and what came after them. */
  lost = 0;
  /** Monotonic moment of the first byte that this process saw, ms. */
  firstByteAt: number | null = null;

  constructor(output: RunOutput, phase: Phase) {
    this.#output = output;
    this.#phase = phase;
    this.#known = { stdout: this.#captured('stdout'), stderr: this.#captured('stderr') };
  }

  take(frame: Told): void {
    const { stream } = frame;
    if (frame.type === 'gap' && frame.reason === 'storage') this.#broken.add(stream);
    if (this.#broken.has(stream)) this.#miss(frame);
    else if (frame.type === 'output') this.#pass(stream, frame.bytes);
    // More than is kept: it counts, and its bytes are in no capture.
    else
      for (let left = frame.length; left > 0; left -= NOTHING.length)
        this.#pass(stream, left < NOTHING.length ? NOTHING.subarray(0, left) : NOTHING);
  }

  #pass(stream: Stream, bytes: Buffer): void {
    const known = this.#next(stream, bytes.length);
    if (known >= bytes.length) return;
    this.firstByteAt ??= performance.now();
    this.#output.write(stream, known > 0 ? bytes.subarray(known) : bytes, this.#phase);
  }

  #miss(frame: Told): void {
    const length = frame.type === 'output' ? frame.bytes.length : frame.length;
    const known = this.#next(frame.stream, length);
    this.lost += length;
    if (known < length) this.#output.missed(frame.stream, length - known, this.#phase);
  }

  /** How many of the next bytes were captured before. */
  #next(stream: Stream, length: number): number {
    const known = Math.max(0, Math.min(length, this.#known[stream] - this.#told[stream]));
    this.#told[stream] += length;
    return known;
  }

  #captured(stream: Stream): number {
    return this.#output.captured(stream, this.#phase).bytes;
  }
}
