import { expect, test } from 'vitest';
import { lineThread } from '../../../src/diff/line-thread.ts';

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

test('pairs that come together are each answered with their own', async () => {
  const all = Array.from({ length: 50 }, (_, at) =>
    lineThread.compare({ old: bytes('x\n'), new: bytes('x\n'.repeat(at)), hunks: at % 2 === 0 }),
  );
  const added = (await Promise.all(all)).map((diff) => diff.added - diff.removed);
  expect(added).toEqual(Array.from({ length: 50 }, (_, at) => at - 1));
});

test('a thread that fails is told to all who wait, and the next has another one', async () => {
  const pair = (): Parameters<typeof lineThread.compare>[0] => ({ old: null, new: bytes('x'), hunks: true });
  const broken = lineThread.compare({ ...pair(), old: { buffer: new ArrayBuffer(1) } as never });
  const behind = lineThread.compare(pair());
  await expect(broken).rejects.toThrow();
  await expect(behind).rejects.toThrow();
  expect(await lineThread.compare(pair())).toMatchObject({ added: 1, removed: 0 });
});

test('others have their turns while two texts are compared that take long', async () => {
  const line = (at: number): string => `${at}\n`;
  const all = Array.from({ length: 50_000 }, (_, at) => at);
  const old = bytes(all.map(line).join(''));
  const now = bytes(all.map((at) => line((at * 7919) % all.length)).join(''));
  let turns = 0;
  const count = (): void => {
    turns++;
    turning = setImmediate(count);
  };
  let turning = setImmediate(count);
  await lineThread.compare({ old, new: now, hunks: true });
  clearImmediate(turning);
  expect(turns).toBeGreaterThan(20);
});
