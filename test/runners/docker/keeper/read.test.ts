import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { KeeperRoom, toldBy, USERS } from '../../../helpers/keeper.ts';
import { processesWith, sleepsOf, until } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

const MARK = String(2n ** 51n + BigInt(randomInt(2 ** 40)));
const long = (): string => String(randomInt(100_000, 999_999_999));
const bytesOf = (place: string): Buffer => readFileSync(join(place, 'journal'));
const holds = (place: string, word: string): Promise<void> =>
  until(() => existsSync(join(place, 'journal')) && bytesOf(place).includes(word), `${word} is there`);

requires('linux')('The journal of a keeper', () => {
  test('is read from every byte', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    await room.call(['run', place, '--', 'sh', '-c', 'echo hello; echo again >&2']);
    const whole = bytesOf(place);
    for (let from = 0; from <= whole.length + 1; from++) {
      const { code, stdout } = await room.call(['read', place, String(from)]);
      expect([code, stdout.equals(whole.subarray(from))], `from ${from}`).toEqual([0, true]);
    }
  });

  test('is read while it grows, by many, from where each likes', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const script = 'echo first; for i in $(seq 60); do head -c $((i * 997)) /dev/urandom; sleep 0.01; done';
    const run = room.start(['run', place, '--', 'sh', '-c', script]);
    await holds(place, 'first');
    const readers = [0, 1, 5, 17, 22, 1000, 65_536, 400_000, 900_000].map(async (from) => {
      const { code, stdout } = await room.call(['read', place, String(from)]);
      return { from, code, stdout };
    });
    await run.ended;
    const whole = bytesOf(place);
    expect(toldBy(whole).stdout).toHaveLength(6 + (997 * 60 * 61) / 2);
    for (const { from, code, stdout } of await Promise.all(readers))
      expect([from, code, stdout.equals(whole.subarray(from))]).toEqual([from, 0, true]);
  });

  test('is followed by looking again where there is no inotify', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const run = room.start(['run', '-i', place, '--', 'sh', '-c', 'echo first; read _; echo last']);
    await holds(place, 'first');
    const [program, ...words] = ['sh', '-c', 'ulimit -n 5; exec "$@"', 'sh', room.binary, 'read', place, '0'];
    using bounded = new KeeperRoom(undefined, undefined, [program ?? '', ...words.slice(0, 3)]);
    const read = bounded.start(['read', place, '0']);
    await until(() => !processesWith(bounded.binary).every((pid) => sleepsOf(pid) < 3), 'it looks again');
    await room.call(['feed', place], { input: Buffer.from([1, 0, 0, 0, 10]) });
    expect((await read.ended).code).toBe(0);
    expect(toldBy((await read.ended).stdout).stdout.toString()).toBe('first\nlast\n');
    await run.ended;
  });

  test('what is not there is told from what is over', async () => {
    using room = new KeeperRoom();
    const [none, empty, over] = [room.place(), room.place(), room.place()];
    mkdirSync(empty);
    await room.call(['run', over, '--', 'true']);
    for (const words of [
      ['read', '', '0'],
      ['tell', '', 'stop', '0'],
      ['feed', ''],
      ['kill', ''],
    ]) {
      const at = (place: string): Promise<{ code: number | null; stderr: string }> =>
        room.call(words.map((word) => word || place));
      expect(await at(none)).toMatchObject({ code: 121, stderr: expect.stringContaining(none) });
      expect(await at(empty)).toMatchObject({ code: 121, stderr: expect.stringContaining(empty) });
    }
    expect(await room.call(['tell', over, 'eof'])).toMatchObject({
      code: 122,
      stderr: 'keeper: that run is over\n',
    });
    expect(await room.call(['feed', over])).toMatchObject({ code: 3 });
  });

  test('a reader whose own reader has gone ends', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const run = room.start(['run', place, '--', 'sleep', long()]);
    const journal = join(place, 'journal');
    await until(() => existsSync(journal) && bytesOf(place).length > 0, 'it has begun');
    const read = room.start(['read', place, '0']);
    await new Promise((seen) => read.child.stdout?.once('data', seen));
    read.child.stdout?.destroy();
    expect((await read.ended).code).toBe(1);
    await room.call(['tell', place, 'stop', '0']);
    await run.ended;
  });

  test('nobody wakes while nothing happens', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const run = room.start(['run', '-f', place, '--', 'sleep', long()]);
    await until(() => existsSync(join(place, 'journal')) && bytesOf(place).length > 0, 'it has begun');
    const keepers = processesWith(room.binary);
    expect(keepers).toHaveLength(3); // itself, who follows, and who tells of its end
    const sleeps = (): number[] => keepers.map(sleepsOf);
    let before = sleeps();
    await until(async () => {
      const earlier = before;
      await sleep(300);
      before = sleeps();
      return earlier.join() === before.join();
    }, 'all sleep');
    await room.call(['tell', place, 'stop', '0']);
    await run.ended;
  });

  describe.each(USERS)('of one that was killed, as %s', (_, uid) => {
    test('says so to who reads, now and later; `kill` ends what it left', async () => {
      using room = new KeeperRoom(uid);
      const [place, seconds] = [room.place(), long()];
      const script = `printf 'up z\\0\\0\\0\\0'; setsid sleep ${seconds} & sleep ${seconds}`;
      const run = room.start(['run', '-i', '-m', MARK, place, '--', 'sh', '-c', script]);
      await holds(place, 'up z');
      const read = room.start(['read', place, '0']);
      const feeder = room.start(['feed', place], { input: 'open' });
      await new Promise((seen) => read.child.stdout?.once('data', seen));
      await until(() => processesWith(seconds).length >= 2, 'all run');
      run.child.kill('SIGKILL');
      expect((await read.ended).code).toBe(122);
      expect((await read.ended).stdout.equals(bytesOf(place))).toBe(true);
      expect(await room.call(['read', place, '3'])).toMatchObject({
        code: 122,
        stdout: bytesOf(place).subarray(3),
      });
      expect((await room.call(['tell', place, 'signal', '15'])).code).toBe(122);
      expect((await room.call(['run', place, '--', 'true'])).code).toBe(120);
      expect(processesWith(seconds)).not.toEqual([]);
      const killed = await room.call(['kill', place]);
      expect([killed.code, killed.stdout.toString()]).toEqual([0, '0\n']);
      expect(processesWith(seconds)).toEqual([]);
      expect((await feeder.ended).code).toBe(122);
      expect((await room.call(['feed', place])).code).toBe(122);
    });
  });
});
