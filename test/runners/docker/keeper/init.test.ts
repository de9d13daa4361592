import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeeperRoom } from '../../../helpers/keeper.ts';
import { childrenOf, processesWith, sleepsOf, until, zombiesOf } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

const long = (): string => String(randomInt(100_000, 999_999_999));

requires(
  'linux',
  'root',
  'pid-namespace',
  'nsenter',
)('A keeper as the first process of a container', () => {
  let room: KeeperRoom;
  let unshare: ChildProcess;
  let init = 0;

  beforeEach(async () => {
    room = new KeeperRoom();
    unshare = spawn('unshare', ['--pid', '--fork', '--mount-proc', room.binary, 'init'], { stdio: 'ignore' });
    await until(() => unshare.pid !== undefined && childrenOf(unshare.pid).length > 0, 'it is there');
    init = childrenOf(unshare.pid ?? 0)[0] ?? Number.NaN; // which no signal is sent to
    await until(
      () => processesWith(room.binary).includes(init) && processesWith('init').includes(init),
      'it runs',
    );
    // Until then a signal to the first process of a namespace is dropped by the kernel.
    const blocked = () => /^SigBlk:\t(\w+)/m.exec(readFileSync(`/proc/${init}/status`, 'utf8'))?.[1];
    await until(() => BigInt(`0x${blocked() ?? 0}`) !== 0n, 'it waits for signals');
  });
  afterEach(() => {
    if (unshare.exitCode === null && unshare.signalCode === null) process.kill(init, 'SIGKILL');
    room[Symbol.dispose]();
  });

  /** As an engine starts a program in a container: its parent is outside. */
  async function run(options: string[], script: string): Promise<{ place: string; keeper: number }> {
    const place = room.place();
    const words = [
      '-t',
      String(init),
      '-p',
      '-m',
      room.binary,
      'run',
      ...options,
      place,
      '--',
      'sh',
      '-c',
      script,
    ];
    const child = spawn('nsenter', words, { stdio: 'ignore' });
    const journal = join(place, 'journal');
    await until(() => existsSync(journal) && readFileSync(journal).includes('up\n'), 'the program is up');
    const [keeper] = childrenOf(child.pid ?? 0);
    if (keeper === undefined) throw new Error('the keeper has ended');
    return { place, keeper };
  }

  test('kills what a killed keeper left, wherever it went, and reaps it; other keepers go on', async () => {
    const [lost, kept] = [long(), long()];
    const first = await run([], `setsid sh -c '(sleep ${lost}; :) &'; sleep 0.1; echo up; sleep ${lost}`);
    const second = await run(['-m', '2251799813685300'], `setsid sleep ${kept} & echo up; sleep ${kept}`);
    await until(() => processesWith(kept).length >= 2 && processesWith(lost).length >= 2, 'all run');
    process.kill(first.keeper, 'SIGKILL');
    await until(() => processesWith(lost).length === 0, 'its processes are gone');
    await until(() => childrenOf(init).length === 0 && zombiesOf(init).length === 0, 'they are reaped');
    expect(processesWith(kept).length).toBeGreaterThanOrEqual(2);
    expect(processesWith(second.place)).toContain(second.keeper);
  });

  test('also what a keeper watched that had its program behind it', async () => {
    const seconds = long();
    const { place, keeper } = await run(['-s'], `setsid sleep ${seconds} & echo up`);
    const ended = (): boolean =>
      readFileSync(join(place, 'journal')).subarray(-5).equals(Buffer.from('z\0\0\0\0'));
    await until(ended, 'the program has ended');
    expect(processesWith(seconds)).toHaveLength(1);
    process.kill(keeper, 'SIGKILL');
    await until(() => processesWith(seconds).length === 0, 'what it left is gone');
  });

  test('sleeps while nothing happens', async () => {
    let before = -1;
    await until(async () => {
      const earlier = before;
      await sleep(300);
      before = sleepsOf(init);
      return earlier === before;
    }, 'it sleeps');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0', async (signal) => {
    const ended = once(unshare, 'exit');
    process.kill(init, signal);
    expect(await ended).toEqual([0, null]);
  });
});
