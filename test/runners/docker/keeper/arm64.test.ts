import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { KeeperRoom, toldBy } from '../../../helpers/keeper.ts';
import { processesWith, until } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

const MARK = String(2n ** 51n + BigInt(randomInt(2 ** 40)));
const long = (): string => String(randomInt(100_000, 999_999_999));
const room = (): KeeperRoom => new KeeperRoom(undefined, 'arm64', ['qemu-aarch64-static']);

/** An emulator that knows no subreaper: what the keeper does then is tried too. */
requires('linux', 'qemu-aarch64')('The keeper for arm64', () => {
  test('output, exits and signals', async () => {
    using here = room();
    const bytes = randomBytes(2_000_000);
    writeFileSync(join(here.path, 'bytes'), bytes);
    const told = await here.run([], ['sh', '-c', 'cat bytes >&2 & cat bytes; wait; exit 9']);
    expect([told.stdout.equals(bytes), told.stderr.equals(bytes)]).toEqual([true, true]);
    expect(told.exited).toMatchObject({ exitCode: 9, signal: null });
    expect((await here.run([], ['sh', '-c', 'kill -11 $$'])).exited).toMatchObject({
      exitCode: null,
      signal: 11,
    });
    expect((await here.run([], ['no-such-program'])).frames[0]).toEqual({ type: 'not_started', errno: 2 });
    const capped = await here.run(['-o', '10'], ['head', '-c', '5000', '/dev/zero']);
    expect([capped.stdout.length, capped.gaps.reduce((all, { length }) => all + length, 0)]).toEqual([
      10, 4990,
    ]);
  });

  test('what it leaves is found by the mark and ended', async () => {
    using here = room();
    const seconds = long();
    const told = await here.run(
      ['-m', MARK],
      ['sh', '-c', `(setsid sleep ${seconds} &); sleep 0.1; echo up`],
    );
    expect(told.killed).toMatchObject({ killSent: true, survivors: 0 });
    expect(processesWith(seconds)).toEqual([]);
  });

  test('stop, limits of time, input, a second run and a killed keeper', async () => {
    using here = room();
    const limited = await here.run(
      ['-t', '100', '-g', '50'],
      ['sh', '-c', 'trap "" TERM; while :; do sleep 0.02; done'],
    );
    expect(limited.exited).toMatchObject({ signal: 9, timedOut: true });
    const [place, seconds] = [here.place(), long()];
    const run = here.start(['run', '-i', '-m', MARK, place, '--', 'sh', '-c', `cat; sleep ${seconds}`]);
    await until(
      () => existsSync(join(place, 'journal')) && readFileSync(join(place, 'journal')).length > 0,
      'it began',
    );
    const read = here.start(['read', place, '0']);
    const fed = await here.call(['feed', place], { input: Buffer.from('\x05\0\0\0hello\0\0\0\0', 'latin1') });
    expect([fed.code, fed.stdout.toString('latin1')]).toEqual([0, '\x05\0\0\0\0\0\0\0']);
    expect((await here.call(['run', place, '--', 'true'])).code).toBe(120);
    await until(() => processesWith(seconds).length === 1, 'the program got its input and its end');
    run.child.kill('SIGKILL');
    expect((await read.ended).code).toBe(122);
    expect(toldBy((await read.ended).stdout).stdout.toString()).toBe('hello');
    expect((await here.call(['kill', place])).stdout.toString()).toBe('0\n');
    expect(processesWith(seconds)).toEqual([]);
  });
});
