import type { OutputPart, Run } from '../../client/runwire.ts';
import { fitting } from './text.ts';

export type Stream = 'stdout' | 'stderr' | 'both';
export type Phase = 'setup' | 'command';

/** Bytes from one up to and without another. */
export interface Span {
  from: number;
  to: number;
}

/** What is shown of the output of a run. */
export interface View {
  text: string;
  stream: Stream;
  phase: Phase;
  total_bytes: number;
  shown: Span[];
  left_out: Span[];
}

export interface ViewOptions {
  stream?: Stream | undefined;
  phase?: Phase | undefined;
  /** Where it is more than there is room for: its beginning and its end, one of them, or what follows a byte. Default `ends`. */
  from?: 'ends' | 'head' | 'tail' | number | undefined;
  /** The run has finished: nothing comes after what is there. */
  isWhole: boolean;
  /** So many bytes `text` may take in JSON. */
  room: number;
  signal?: AbortSignal | undefined;
}

/** The longest words for what is left out. */
const MARK_ROOM = 160;
/** What the beginning gets of the room; what went wrong stands at the end. */
const HEAD_SHARE = 0.25;

/** As much of the output as there is room for, in whole characters, and what is not among it. */
export async function viewOf(run: Run, options: ViewOptions): Promise<View> {
  const { stream = 'both', phase = 'command', from = 'ends', isWhole, room, signal } = options;
  const part = (from: number, most: number): Promise<OutputPart> =>
    run.part({ stream, phase, from, most, signal });
  const shownOf = (
    { offset, bytes, total }: OutputPart,
    side: 'first' | 'last',
    room: number,
    lines: boolean,
  ) => {
    const edges = { cutBefore: offset > 0, cutAfter: offset + bytes.length < total || !isWhole };
    const { text, start, end, isCut } = fitting(bytes, { room, side, ...edges, wholeLines: lines });
    return { text, span: { from: offset + start, to: offset + end }, isCut };
  };
  const about = { stream, phase };
  const only = await part(from === 'tail' ? -room : typeof from === 'number' ? from : 0, room);
  const { total } = only;
  const one = shownOf(only, from === 'tail' ? 'last' : 'first', room, false);
  if (from !== 'ends' || (only.bytes.length === total && !one.isCut)) {
    const leftOut = restOf([one.span], total, typeof from === 'number' ? only.offset : 0);
    return { text: one.text, ...about, total_bytes: total, shown: [one.span], left_out: leftOut };
  }
  const both = room - MARK_ROOM;
  const head = shownOf(only, 'first', Math.floor(both * HEAD_SHARE), true);
  const tailRoom = both - Math.floor(both * HEAD_SHARE);
  const tail = shownOf(
    await part(Math.max(head.span.to, total - tailRoom), tailRoom),
    'last',
    tailRoom,
    true,
  );
  const spans = [head.span, tail.span];
  const [hole = { from: 0, to: 0 }] = restOf(spans, total, 0);
  const mark = `${head.text.endsWith('\n') ? '' : '\n'}${markOf(hole)}\n`;
  const text = `${head.text}${mark}${tail.text}`;
  return { text, ...about, total_bytes: total, shown: spans, left_out: restOf(spans, total, 0) };
}

const markOf = ({ from, to }: Span): string =>
  `[... ${to - from} bytes left out, ${from} to ${to}: ask output for offset ${from}, or grep ...]`;

/** What of the bytes from `from` up to `total` is in none of the spans. */
function restOf(spans: readonly Span[], total: number, from: number): Span[] {
  const rest: Span[] = [];
  let at = from;
  for (const { from: begin, to: end } of spans) {
    if (begin > at) rest.push({ from: at, to: begin });
    at = Math.max(at, end);
  }
  if (total > at) rest.push({ from: at, to: total });
  return rest;
}
