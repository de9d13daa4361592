import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JournalReader } from '../../../../runners/docker/keeper/frames.ts';

function frame(letter: string, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.write(letter, 'latin1');
  head.writeUInt32LE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

function numbers(...words: [bits: 8 | 32 | 64, value: number][]): Buffer {
  return Buffer.concat(
    words.map(([bits, value]) => {
      const bytes = Buffer.alloc(bits / 8);
      if (bits === 64) bytes.writeBigUInt64LE(BigInt(value));
      else if (bits === 32) bytes.writeInt32LE(value);
      else bytes.writeUInt8(value);
      return bytes;
    }),
  );
}

const STARTED = frame('s', numbers([32, 7], [64, 1_700_000_000_123]));
const exited = (code: number, signal: number, timedOut = 0, failed = 0): Buffer =>
  frame(
    'x',
    numbers(
      ...([
        [32, code],
        [32, signal],
        [64, 1],
        [64, 2],
        [64, 3],
        [64, 4],
        [64, 5],
        [8, timedOut],
        [8, failed],
      ] as [8 | 32 | 64, number][]),
    ),
  );
const WHOLE = Buffer.concat([
  STARTED,
  frame('o', Buffer.from('hello')),
  frame('e', Buffer.from([0, 255])),
  frame('g', numbers([8, 1], [64, 9])),
  frame('g', numbers([8, 0x82], [64, 2 ** 40])),
  frame('k', numbers([8, 1], [8, 0], [32, 3])),
  exited(-1, 9, 1, 1),
  frame('z'),
]);
const FRAMES = [
  { type: 'started', pid: 7, at: 1_700_000_000_123 },
  { type: 'output', stream: 'stdout', bytes: Buffer.from('hello') },
  { type: 'output', stream: 'stderr', bytes: Buffer.from([0, 255]) },
  { type: 'gap', stream: 'stdout', length: 9, reason: 'output_limit' },
  { type: 'gap', stream: 'stderr', length: 2 ** 40, reason: 'storage' },
  { type: 'killed', termSent: true, killSent: false, survivors: 3 },
  {
    type: 'exited',
    exitCode: null,
    signal: 9,
    ...{ runUs: 1, drainUs: 2, userUs: 3, systemUs: 4, maxRssKib: 5 },
    timedOut: true,
    storageFailed: true,
  },
  { type: 'end' },
];

test('a journal in one piece', () => {
  const reader = new JournalReader();
  expect(reader.push(WHOLE)).toEqual(FRAMES);
  expect(reader).toMatchObject({ offset: WHOLE.length, ended: true });
});

test('however it is cut, the same frames; and from the offset of any moment another reader goes on', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (cuts) => {
      const reader = new JournalReader();
      const got: unknown[] = [];
      for (let at = 0, n = 0; at < WHOLE.length; n++) {
        const length = cuts[n % cuts.length] ?? 1;
        got.push(...reader.push(WHOLE.subarray(at, at + length)));
        at += length;
        const later = JournalReader.resume(reader.offset);
        expect([...got, ...later.push(WHOLE.subarray(reader.offset))]).toEqual(FRAMES);
      }
      expect(got).toEqual(FRAMES);
    }),
  );
});

test('the longest frame of output is one frame', () => {
  const bytes = Buffer.alloc(65_536, 'x');
  const reader = new JournalReader();
  expect(reader.push(STARTED)).toHaveLength(1);
  expect(reader.push(frame('o', bytes))).toEqual([{ type: 'output', stream: 'stdout', bytes }]);
});

test('a program that did not start has an error number and an end', () => {
  const reader = new JournalReader();
  expect(reader.push(Buffer.concat([frame('F', numbers([32, 2])), frame('z')]))).toEqual([
    { type: 'not_started', errno: 2 },
    { type: 'end' },
  ]);
});

describe('what is no journal', () => {
  test.each([
    ['an unknown letter', Buffer.from('OCI runtime exec failed')],
    ['output before the start', frame('o', Buffer.from('x'))],
    ['an end before the start', frame('z')],
    ['two starts', Buffer.concat([STARTED, STARTED])],
    ['a frame that is too long', Buffer.concat([STARTED, Buffer.from([0x6f, 1, 0, 1, 0])])],
    ['a frame without bytes', Buffer.concat([STARTED, frame('o')])],
    ['a start of another length', frame('s', Buffer.alloc(13))],
    ['an end with bytes', Buffer.concat([STARTED, exited(0, 0), frame('z', Buffer.alloc(1))])],
    ['a gap of no stream', Buffer.concat([STARTED, frame('g', numbers([8, 3], [64, 1]))])],
    ['a gap of nothing', Buffer.concat([STARTED, frame('g', numbers([8, 1], [64, 0]))])],
    ['an exit code of 256', Buffer.concat([STARTED, exited(256, 0)])],
    ['an exit code and a signal', Buffer.concat([STARTED, exited(0, 9)])],
    ['a flag of two', Buffer.concat([STARTED, exited(0, 0, 2)])],
    ['output after the exit', Buffer.concat([STARTED, exited(0, 0), frame('o', Buffer.from('x'))])],
    ['anything after the end', Buffer.concat([WHOLE, STARTED])],
  ])('%s', (_, bytes) => {
    const reader = new JournalReader();
    expect(() => reader.push(bytes)).toThrow(/no journal of a keeper: [0-9a-f]+ at byte \d+/);
    expect(() => reader.push(STARTED)).toThrow(/no journal/);
  });
});
