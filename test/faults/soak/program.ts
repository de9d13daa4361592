import type { Stream } from '../../../src/documents/stream.ts';
import type { Random } from './random.ts';

/** What a program does next. What it writes follows from this alone, so that the test knows every byte. */
export type Step =
  | { do: 'write'; stream: Stream; bytes: Buffer }
  /** The numbers from `from` to `to`, a line each: many bytes, of which no two kilobytes are the same. */
  | { do: 'count'; stream: Stream; from: number; to: number; as: Alphabet }
  | { do: 'pause'; ms: number };

type Alphabet = 'digits' | 'letters' | 'bytes';

/** Before each number, when characters are wanted that take more than one byte. */
const PREFIX = 'aé€😀';
/** Instead of the digits 0 to 9, when bytes are wanted that are no text. */
const BYTES = [0x00, 0xff, 0xc3, 0x28, 0xe2, 0x82, 0xf0, 0x9f, 0x80, 0x01];
const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;

/** The bytes that a step writes. */
export function bytesOf(step: Step): Buffer {
  if (step.do === 'pause') return Buffer.alloc(0);
  if (step.do === 'write') return step.bytes;
  const prefix = step.as === 'letters' ? PREFIX : '';
  const lines: string[] = [];
  for (let n = step.from; n <= step.to; n++) lines.push(prefix, String(n), '\n');
  const bytes = Buffer.from(lines.join(''));
  if (step.as !== 'bytes') return bytes;
  return bytes.map((byte) => (byte === 10 ? 10 : (BYTES[byte - 48] ?? 0))) as Buffer;
}

/** All that the steps write to a stream. */
export function wroteOf(steps: readonly Step[], stream: Stream): Buffer {
  return Buffer.concat(
    steps.map((step) => (step.do !== 'pause' && step.stream === stream ? bytesOf(step) : Buffer.alloc(0))),
  );
}

/** The steps as lines of a POSIX shell; `sed` is how that program is called there. */
export function shellLines(steps: readonly Step[], sed: string): string[] {
  return steps.map((step) => {
    if (step.do === 'pause') return `sleep ${step.ms / 1000}`;
    const to = step.stream === 'stderr' ? ' >&2' : '';
    if (step.do === 'write') return `printf '${[...step.bytes].map(octal).join('')}'${to}`;
    const filter = {
      digits: '',
      letters: ` | ${sed} 's/^/${PREFIX}/'`,
      bytes: ` | tr '0123456789' '${BYTES.map(octal).join('')}'`,
    }[step.as];
    return `{ seq ${step.from} ${step.to}${filter}; }${to}`;
  });
}

export interface Manner {
  streams: readonly [Stream, ...Stream[]];
  /** Nothing but UTF-8. */
  textOnly: boolean;
  /** Bytes of the longest output, about. */
  most: number;
}

/** Some steps: nothing, a word, a drip cut in the middle of characters, a burst, a flood. */
export function randomSteps(random: Random, { streams, textOnly, most }: Manner): Step[] {
  const stream = (): Stream => random.pick(streams);
  const alphabet = (): Alphabet =>
    random.pick(textOnly ? ['digits', 'letters'] : ['digits', 'letters', 'bytes']);
  const count = (bytes: number): Step => {
    const from = random.integer(1_000_000, 9_000_000);
    return { do: 'count', stream: stream(), from, to: from + Math.ceil(bytes / 8), as: alphabet() };
  };
  const pause = (ms: number): Step => ({ do: 'pause', ms });
  const steps: Step[] = [];
  for (
    let part = random.weighted([
      [0, 1],
      [1, 5],
      [2, 3],
      [4, 2],
    ]);
    part > 0;
    part--
  ) {
    const manner = random.weighted([
      ['word', 4],
      ['drip', 3],
      ['burst', 3],
      ['flood', 1],
    ]);
    if (manner === 'word')
      steps.push({ do: 'write', stream: stream(), bytes: randomBytes(random, textOnly, 300) });
    else if (manner === 'burst') steps.push(count(random.size(200, most / 20)));
    else if (manner === 'flood') steps.push(count(random.size(most / 10, most)));
    else steps.push(...drip(random, stream(), textOnly));
    if (random.chance(0.4)) steps.push(pause(random.size(10, 900)));
  }
  return steps;
}

/** Small pieces, cut anywhere unless each must be text by itself, with waits between them. */
function drip(random: Random, stream: Stream, textOnly: boolean): Step[] {
  const ms = random.size(20, 300);
  const pieces = random.integer(2, 12);
  const steps: Step[] = [];
  if (textOnly)
    for (let n = 0; n < pieces; n++)
      steps.push({ do: 'write', stream, bytes: randomBytes(random, true, 40) });
  else {
    const bytes = randomBytes(random, random.chance(0.6), 40 * pieces);
    const size = Math.ceil(bytes.length / pieces);
    for (let at = 0; at < bytes.length; at += size)
      steps.push({ do: 'write', stream, bytes: bytes.subarray(at, at + size) });
  }
  return steps.flatMap((step) => [step, { do: 'pause', ms } as const]);
}

/** At least one byte; text has lines, and characters of one to four bytes. */
export function randomBytes(random: Random, text: boolean, most: number): Buffer {
  const length = random.integer(1, most);
  if (!text) return Buffer.from(Array.from({ length }, () => random.integer(0, 255)));
  const characters = ['a', 'Z', '7', ' ', '\n', 'é', 'ß', '€', '語', '😀'] as const;
  return Buffer.from(`<${Array.from({ length }, () => random.pick(characters)).join('')}>`);
}
