import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameSplitter } from '../../../runners/docker/frames.ts';

function frame(stream: 1 | 2, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(stream, 0);
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

test('however frames are cut, each stream gets its bytes, in order', () => {
  const frames = fc.array(
    fc.tuple(fc.constantFrom(1 as const, 2 as const), fc.uint8Array({ maxLength: 40 })),
  );
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (sent, cuts) => {
      const wire = Buffer.concat(sent.map(([stream, bytes]) => frame(stream, bytes)));
      const got = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
      const take = frameSplitter((stream, bytes) => got[stream].push(Buffer.from(bytes)));
      for (let at = 0, n = 0; at < wire.length; n++) {
        const length = cuts[n % cuts.length] ?? 1;
        take(wire.subarray(at, at + length));
        at += length;
      }
      for (const [stream, number] of [
        ['stdout', 1],
        ['stderr', 2],
      ] as const) {
        const expected = sent.filter(([kind]) => kind === number).map(([, bytes]) => bytes);
        expect(Buffer.concat(got[stream]).equals(Buffer.concat(expected))).toBe(true);
      }
    }),
  );
});

test('bytes of a frame that has not wholly come are passed on', () => {
  const got: string[] = [];
  const take = frameSplitter((stream, bytes) => got.push(`${stream} ${bytes}`));
  take(frame(1, Buffer.from('hello')).subarray(0, 10));
  expect(got).toEqual(['stdout he']);
});

test('what is no frame is an error, not output', () => {
  const take = frameSplitter(() => {});
  expect(() => take(Buffer.from('plain text'))).toThrow('a frame of an unknown kind');
});
