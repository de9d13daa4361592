import type { Run } from '../../client/runwire.ts';
import { type ByteLine, lastLinesOf, linesOf, lineTurns } from './lines.ts';
import { fitting, jsonSize } from './text.ts';
import { Texts } from './texts.ts';
import type { Phase, Span, Stream } from './view.ts';

export interface GrepOptions {
  texts: readonly string[];
  ignoreCase: boolean;
  /** Lines before and after. */
  context: number;
  stream: Stream;
  phase: Phase;
  offset: number;
  /** So many bytes `text` may take in JSON. */
  room: number;
  signal: AbortSignal;
}

export interface Grep {
  /** A line each: the byte at which it begins, `:` where it matches and `-` where it is beside one, and itself. `--` where lines are left out. */
  text: string;
  matches: number;
  /** Bytes that were looked through. */
  searched: Span;
  /** Where to go on; null: all that is there was looked through. */
  next_offset: number | null;
}

/** So much is looked through for one answer. */
const MOST_SEARCHED = 256 << 20;
/** Of one line is shown so much. */
const LINE_ROOM = 600;

/** The lines of what is there now that have one of the texts, as many as there is room for. */
export async function grep(run: Run, options: GrepOptions): Promise<Grep> {
  const { texts, ignoreCase, stream, phase, offset, signal } = options;
  const found = new Found(new Texts(texts, ignoreCase), options);
  const output = run.output({ stream, phase, offset, follow: false, signal });
  for await (const { bytes, offset: at } of lineTurns(output, offset)) {
    found.look(bytes, at);
    if (found.isFull || found.end - offset >= MOST_SEARCHED) break;
  }
  return found.told();
}

class Found {
  readonly #texts: Texts;
  readonly #context: number;
  readonly #room: number;
  readonly #start: number;
  #lines: string[] = [];
  #size = 0;
  #matches = 0;
  #before: ByteLine[] = [];
  #after = 0;
  #lastShown = -1;
  isFull = false;
  /** The first byte that was not looked at. */
  end: number;

  constructor(texts: Texts, { context, room, offset }: GrepOptions) {
    this.#texts = texts;
    this.#context = context;
    this.#room = room;
    this.#start = offset;
    this.end = offset;
  }

  look(bytes: Buffer, offset: number): void {
    if (this.#after === 0 && this.#texts.firstIn(bytes) === null) return this.#passOver(bytes, offset);
    for (const line of linesOf(bytes, offset)) {
      if (!this.#take(line)) return;
      this.end = line.offset + line.bytes.length;
    }
  }

  told(): Grep {
    const { end } = this;
    const isAll = !this.isFull && end - this.#start < MOST_SEARCHED;
    return {
      text: this.#lines.join(''),
      matches: this.#matches,
      searched: { from: this.#start, to: end },
      next_offset: isAll ? null : end,
    };
  }

  #passOver(bytes: Buffer, offset: number): void {
    this.end = offset + bytes.length;
    if (this.#context === 0) return;
    const last = lastLinesOf(bytes, offset, this.#context).map(copied);
    this.#before = [...this.#before, ...last].slice(-this.#context);
  }

  /** Is there room on. */
  #take(line: ByteLine): boolean {
    const place = this.#texts.firstIn(line.bytes);
    if (place !== null) {
      const shown = [...this.#before.map((one) => shownLine(one, '-', 0)), shownLine(line, ':', place)];
      const first = this.#before[0]?.offset ?? line.offset;
      const hasGap = this.#context > 0 && this.#lastShown >= 0 && first > this.#lastShown;
      if (!this.#add([...(hasGap ? ['--\n'] : []), ...shown])) return false;
      this.#matches++;
      this.#before = [];
      this.#after = this.#context;
    } else if (this.#after > 0) {
      if (!this.#add([shownLine(line, '-', 0)])) return false;
      this.#after--;
    } else {
      if (this.#context > 0) this.#before = [...this.#before, copied(line)].slice(-this.#context);
      return true;
    }
    this.#lastShown = line.offset + line.bytes.length;
    return true;
  }

  #add(lines: string[]): boolean {
    const size = lines.reduce((sum, line) => sum + jsonSize(line), 0);
    this.isFull = this.#size + size > this.#room;
    if (this.isFull) return false;
    this.#size += size;
    this.#lines.push(...lines);
    return true;
  }
}

/** The memory of what comes is used anew. */
const copied = ({ offset, bytes }: ByteLine): ByteLine => ({ offset, bytes: Buffer.from(bytes) });

function shownLine({ offset, bytes }: ByteLine, sign: ':' | '-', place: number): string {
  const from = place < LINE_ROOM / 2 ? 0 : place - LINE_ROOM / 4;
  const end = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
  const piece = bytes.subarray(from, Math.min(end, from + LINE_ROOM));
  const isLonger = from + piece.length < end;
  const edges = { cutBefore: from > 0, cutAfter: isLonger };
  const { text, isCut } = fitting(piece, { room: LINE_ROOM, side: 'first', ...edges });
  return `${offset}${sign}${from > 0 ? '…' : ''}${text}${isCut || isLonger ? '…' : ''}\n`;
}
