import type { RuntimeEvent } from './openapi.ts';

/** A line of output, without its line break. */
export interface Line {
  stream: 'stdout' | 'stderr';
  phase: 'setup' | 'command';
  text: string;
  /** Of the event that ended it. */
  time: string;
  /** It was not ended by a line break: the program ended, bytes after it are not kept (a gap), or it is a part of a very long one. */
  partial: boolean;
}

export interface LinesOptions {
  stream?: 'stdout' | 'stderr' | undefined;
  /** Default: of the command alone. */
  phase?: 'setup' | 'command' | 'both' | undefined;
  /** A longer line comes in parts. Default 1,048,576 characters. */
  mostCharacters?: number | undefined;
}

/** The lines in events, those of each stream for themselves, in the order in which they were ended. Bytes that are not UTF-8 become U+FFFD. */
export async function* linesIn(
  events: AsyncIterable<RuntimeEvent>,
  { stream, phase = 'command', mostCharacters = 1 << 20 }: LinesOptions = {},
): AsyncGenerator<Line, void, void> {
  const ends = new Map<string, End>();
  for await (const event of events) {
    if (event.type === 'finished') for (const end of ends.values()) yield* end.flush(event.time);
    const told = event.type === 'gap' ? event.stream : event.type;
    if (told !== 'stdout' && told !== 'stderr') continue;
    const of = ('phase' in event ? event.phase : undefined) ?? 'command';
    if ((stream ?? told) !== told || (phase !== 'both' && phase !== of)) continue;
    const key = `${told} ${of}`;
    let end = ends.get(key);
    if (!end) {
      end = new End(told, of, mostCharacters);
      ends.set(key, end);
    }
    yield* event.type === 'gap' ? end.flush(event.time) : end.take(event as OutputEvent);
  }
}

type OutputEvent = RuntimeEvent & { type: 'stdout' | 'stderr' };

/** What came of a stream since its last line break. */
class End {
  readonly #line: Omit<Line, 'text' | 'time' | 'partial'>;
  readonly #most: number;
  // A character of what is not UTF-8 as a whole may be split over two events.
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #parts: string[] = [];
  #length = 0;

  constructor(stream: Line['stream'], phase: Line['phase'], most: number) {
    this.#line = { stream, phase };
    this.#most = most;
  }

  *take({ text, base64, time }: OutputEvent): Generator<Line> {
    // What is text is whole characters: what is left of bytes before it is not.
    const pieces = (
      base64 === undefined ? this.#decoder.decode() + (text ?? '') : this.#decode(base64)
    ).split('\n');
    for (const [at, piece] of pieces.entries()) {
      if (at > 0) yield this.#ended(time, false);
      for (let from = 0; from < piece.length; ) {
        const part = piece.slice(from, from + Math.max(1, this.#most - this.#length));
        from += part.length;
        this.#parts.push(part);
        this.#length += part.length;
        if (this.#length >= this.#most) yield this.#ended(time, true);
      }
    }
  }

  *flush(time: string): Generator<Line> {
    const rest = this.#decoder.decode();
    if (rest !== '') this.#parts.push(rest);
    if (this.#parts.length > 0) yield this.#ended(time, true);
  }

  #decode(base64: string): string {
    return this.#decoder.decode(bytesOf(base64), { stream: true });
  }

  #ended(time: string, partial: boolean): Line {
    const text = this.#parts.join('');
    this.#parts = [];
    this.#length = 0;
    return { ...this.#line, text: partial || !text.endsWith('\r') ? text : text.slice(0, -1), time, partial };
  }
}

/** The bytes of an output event. */
export function bytesOf(base64: string): Uint8Array {
  const characters = atob(base64);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  return bytes;
}
