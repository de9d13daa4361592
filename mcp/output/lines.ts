const LINE_BREAK = 10;
/** A longer one is looked through in pieces. */
const LONGEST_LINE = 65_536;

/** A line of bytes, with its line break if it has one. */
export interface ByteLine {
  /** Of its first byte. */
  offset: number;
  bytes: Buffer;
}

/** Lines of bytes as they come, the first at `offset`. They come in turns, each of what is there together; none is kept. */
export async function* lineTurns(
  parts: AsyncIterable<Uint8Array>,
  offset: number,
): AsyncGenerator<{ bytes: Buffer; offset: number }, void, void> {
  let rest = Buffer.alloc(0);
  let at = offset;
  for await (const part of parts) {
    const all = rest.length === 0 ? asBuffer(part) : Buffer.concat([rest, part]);
    const end = all.length >= LONGEST_LINE ? all.length : 0;
    const cut = all.lastIndexOf(LINE_BREAK) + 1 || end;
    if (cut > 0) yield { bytes: all.subarray(0, cut), offset: at };
    at += cut;
    rest = Buffer.from(all.subarray(cut));
  }
  if (rest.length > 0) yield { bytes: rest, offset: at };
}

export function* linesOf(bytes: Buffer, offset: number): Generator<ByteLine> {
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(LINE_BREAK, from) + 1 || bytes.length;
    yield { offset: offset + from, bytes: bytes.subarray(from, end) };
    from = end;
  }
}

/** The last lines. */
export function lastLinesOf(bytes: Buffer, offset: number, count: number): ByteLine[] {
  const lines: ByteLine[] = [];
  for (let end = bytes.length; end > 0 && lines.length < count; ) {
    const from = end < 2 ? 0 : bytes.lastIndexOf(LINE_BREAK, end - 2) + 1;
    lines.unshift({ offset: offset + from, bytes: bytes.subarray(from, end) });
    end = from;
  }
  return lines;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
