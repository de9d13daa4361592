import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KeeperRoom, type Started, toldBy, USERS } from '../../../helpers/keeper.ts';
import { until } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

const END = Buffer.alloc(4);

function framed(bytes: Buffer | string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(Buffer.byteLength(bytes));
  return Buffer.concat([head, Buffer.from(bytes)]);
}

function acknowledged(stdout: Buffer): number[] {
  expect(stdout.length % 8).toBe(0);
  return Array.from({ length: stdout.length / 8 }, (_, n) => Number(stdout.readBigUInt64LE(n * 8)));
}

const heldBy = (place: string, word: string): Promise<void> =>
  until(
    () => existsSync(join(place, 'journal')) && readFileSync(join(place, 'journal')).includes(word),
    word,
  );

function begin(room: KeeperRoom, script: string): { place: string; run: Started } {
  const place = room.place();
  return { place, run: room.start(['run', '-f', '-i', place, '--', 'sh', '-c', script]) };
}

requires('linux')('Standard input through a keeper', () => {
  describe.each(USERS)('as %s', (_, uid) => {
    test('megabytes, acknowledged as they are taken, and an end', async () => {
      using room = new KeeperRoom(uid);
      const { place, run } = begin(room, 'echo up >&2; cat');
      await heldBy(place, 'up');
      const bytes = randomBytes(3_000_000);
      const wire = [bytes.subarray(0, 1), bytes.subarray(1, 2_000_000), bytes.subarray(2_000_000)].map(
        framed,
      );
      const fed = await room.call(['feed', place], { input: Buffer.concat([...wire, END]) });
      expect(fed.code).toBe(0);
      const said = acknowledged(fed.stdout);
      expect(said.at(-1)).toBe(bytes.length);
      expect(said.every((total, n) => total > (said[n - 1] ?? 0))).toBe(true);
      const told = toldBy((await run.ended).stdout);
      expect(told.stdout.equals(bytes)).toBe(true);
      expect(told.exited?.exitCode).toBe(0);
    });

    test('a feeder that dies or just ends is no end; another goes on; `tell eof` is one', async () => {
      using room = new KeeperRoom(uid);
      const { place, run } = begin(room, 'echo up >&2; cat; echo over');
      await heldBy(place, 'up');
      const first = room.start(['feed', place], { input: 'open' });
      first.child.stdin?.write(Buffer.concat([framed('one '), framed('xxxxx').subarray(0, 3)]));
      await heldBy(place, 'one ');
      first.child.kill('SIGKILL');
      await first.ended;
      expect((await room.call(['feed', place], { input: framed('two ') })).code).toBe(0);
      await heldBy(place, 'two ');
      expect(run.child.exitCode).toBeNull();
      expect((await room.call(['tell', place, 'eof'])).code).toBe(0);
      expect(toldBy((await run.ended).stdout).stdout.toString()).toBe('one two over\n');
      expect((await room.call(['feed', place], { input: framed('late') })).code).toBe(3);
    });
  });

  test('what was fed after the end of the input is not taken', async () => {
    using room = new KeeperRoom();
    const { place, run } = begin(room, 'echo up; cat; read _ < /dev/null; sleep 1000');
    await heldBy(place, 'up');
    expect((await room.call(['feed', place], { input: END })).code).toBe(0);
    await until(() => !existsSync(join(place, 'stdin')), 'the input is closed');
    expect(await room.call(['feed', place], { input: framed('late') })).toMatchObject({
      code: 3,
      stdout: Buffer.alloc(0),
    });
    await room.call(['tell', place, 'stop', '0']);
    expect(toldBy((await run.ended).stdout).stdout.toString()).toBe('up\n');
  });

  test('a program that closes its input ends the feeder, also one that waits, and one that is full', async () => {
    using room = new KeeperRoom();
    const { place, run } = begin(room, 'echo up; head -c 3; exec <&-; echo closed; sleep 1000');
    await heldBy(place, 'up');
    const waiting = room.start(['feed', place], { input: 'open' });
    const full = room.start(['feed', place], {
      input: Buffer.concat([framed(Buffer.alloc(500_000, 'y')), END]),
    });
    expect([(await waiting.ended).code, (await full.ended).code]).toEqual([3, 3]);
    await heldBy(place, 'closed');
    await room.call(['tell', place, 'stop', '0']);
    expect(toldBy((await run.ended).stdout).stdout.toString()).toBe('up\nyyyclosed\n');
  });

  test('without -i the input is empty and there is nothing to feed', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    await room.call(['run', place, '--', 'sh', '-c', 'cat; echo done']);
    expect((await room.call(['feed', place], { input: END })).code).toBe(3);
    expect(toldBy(readFileSync(join(place, 'journal'))).stdout.toString()).toBe('done\n');
  });
});
