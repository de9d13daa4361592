import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KeeperRoom, toldBy, USERS } from '../../../helpers/keeper.ts';
import { own } from '../../../helpers/own-id.ts';
import { processesWith, until } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

const { SIGHUP, SIGKILL, SIGSEGV, SIGTERM, SIGUSR1 } = constants.signals;
/** A time to sleep that no other process of this machine sleeps. */
const long = (): string => String(randomInt(100_000, 999_999_999));
const MARK = String(2n ** 51n + BigInt(randomInt(2 ** 40)));

requires('linux')('The end of a program under a keeper', () => {
  describe.each(USERS)('as %s', (_, uid) => {
    test.each([0, 1, 127, 128, 137, 255])('exit code %i', async (code) => {
      using room = new KeeperRoom(uid);
      const { exited, types } = await room.run([], ['sh', '-c', `exit ${code}`]);
      expect(exited).toMatchObject({ exitCode: code, signal: null, timedOut: false });
      expect(types).toEqual(['started', 'exited', 'end']);
    });

    test.each([SIGHUP, SIGKILL, SIGSEGV, SIGTERM])('signal %i is told as one', async (signal) => {
      using room = new KeeperRoom(uid);
      const { exited } = await room.run([], ['sh', '-c', `kill -${signal} $$`]);
      expect(exited).toMatchObject({ exitCode: null, signal });
    });

    test('a process in the background that holds the output is killed, and what it wrote is there', async () => {
      using room = new KeeperRoom(uid);
      const seconds = long();
      const told = await room.run(
        [],
        ['sh', '-c', `(echo mine; exec sleep ${seconds}) & sleep 0.05; echo end`],
      );
      expect(told.stdout.toString()).toBe('mine\nend\n');
      expect(told.killed).toEqual({ type: 'killed', termSent: false, killSent: true, survivors: 0 });
      expect(told.exited).toMatchObject({ exitCode: 0 });
      expect(processesWith(seconds)).toEqual([]);
    });

    test('daemons of every sort are found and ended', async () => {
      using room = new KeeperRoom(uid);
      const seconds = long();
      const script = [
        `setsid sh -c 'setsid sleep ${seconds} >/dev/null 2>&1 & :' `,
        `(cd /; setsid sh -c '(trap "" TERM HUP; sleep ${seconds}; :) >/dev/null 2>&1 &' &)`,
        `(sleep ${seconds} </dev/null >/dev/null 2>&1 &)`,
        'sleep 0.2',
      ].join('\n');
      const told = await room.run([], ['sh', '-c', script]);
      expect(told.killed).toMatchObject({ killSent: true, survivors: 0 });
      expect(processesWith(seconds)).toEqual([]);
    });

    test('with -s what it leaves stays until it ends by itself or is killed, and the journal ends', async () => {
      using room = new KeeperRoom(uid);
      const [place, seconds] = [room.place(), long()];
      const run = room.start([
        'run',
        '-f',
        '-s',
        '-m',
        MARK,
        place,
        '--',
        'sh',
        '-c',
        `echo up; sleep ${seconds} &`,
      ]);
      const read = await until(() => existsSync(join(place, 'journal')), 'it has begun').then(() =>
        room.call(['read', place, '0']),
      );
      expect(read.code).toBe(0);
      expect(toldBy(read.stdout)).toMatchObject({ types: ['started', 'exited', 'end'] });
      expect(processesWith(seconds)).toHaveLength(1);
      expect(run.child.exitCode).toBeNull();
      const killed = await room.call(['kill', place]);
      expect([killed.code, killed.stdout.toString()]).toEqual([0, '0\n']);
      expect((await run.ended).code).toBe(0);
      expect(processesWith(seconds)).toEqual([]);
    });

    test('stopped with a grace: what heeds SIGTERM ends by itself', async () => {
      using room = new KeeperRoom(uid);
      const place = room.place();
      const script = 'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.05; done';
      const run = room.start(['run', '-f', place, '--', 'sh', '-c', script]);
      await upIn(place);
      expect((await room.call(['tell', place, 'stop', '60000'])).code).toBe(0);
      const told = toldBy((await run.ended).stdout);
      expect(told.stdout.toString()).toBe('up\nbye\n');
      expect(told.killed).toMatchObject({ termSent: true, killSent: false, survivors: 0 });
      expect(told.exited).toMatchObject({ exitCode: 7, timedOut: false });
    });

    test('its group has the grace when the leader is faster', async () => {
      using room = new KeeperRoom(uid);
      const place = room.place();
      const child = '(trap "sleep 0.4; echo late; exit" TERM; echo up; while :; do sleep 0.05; done) &';
      const run = room.start(['run', '-f', place, '--', 'sh', '-c', `${child} trap "exit 3" TERM; wait`]);
      await upIn(place);
      await room.call(['tell', place, 'stop', '60000']);
      const told = toldBy((await run.ended).stdout);
      expect(told.stdout.toString()).toBe('up\nlate\n');
      expect(told.killed).toMatchObject({ termSent: true, killSent: false });
      expect(told.exited).toMatchObject({ exitCode: 3 });
    });

    test('what ignores SIGTERM is killed after the grace, all of it, and a second stop shortens that', async () => {
      using room = new KeeperRoom(uid);
      const [place, seconds] = [room.place(), long()];
      const script = `trap "" TERM; setsid sleep ${seconds} & echo up; while :; do sleep 0.05; done`;
      const run = room.start(['run', '-f', '-s', place, '--', 'sh', '-c', script]);
      await upIn(place);
      await room.call(['tell', place, 'stop', '50000000']);
      await room.call(['tell', place, 'stop', '60000000']);
      await room.call(['tell', place, 'stop', '10']);
      const told = toldBy((await run.ended).stdout);
      expect(told.killed).toEqual({ type: 'killed', termSent: true, killSent: true, survivors: 0 });
      expect(told.exited).toMatchObject({ exitCode: null, signal: SIGKILL });
      expect(processesWith(seconds)).toEqual([]);
    });

    test('stopped without a grace nothing is asked', async () => {
      using room = new KeeperRoom(uid);
      const place = room.place();
      const run = room.start([
        'run',
        '-f',
        place,
        '--',
        'sh',
        '-c',
        'trap "echo asked" TERM; echo up; while :; do :; done',
      ]);
      await upIn(place);
      await room.call(['tell', place, 'stop', '0']);
      const told = toldBy((await run.ended).stdout);
      expect(told.stdout.toString()).toBe('up\n');
      expect(told.killed).toMatchObject({ termSent: false, killSent: true });
    });

    test('a time limit holds although nobody reads', async () => {
      using room = new KeeperRoom(uid);
      const place = room.place();
      const { code } = await room.call([
        'run',
        '-t',
        '100',
        '-g',
        '50',
        place,
        '--',
        'sh',
        '-c',
        'trap "" TERM; yes',
      ]);
      expect(code).toBe(0);
      const told = toldBy((await room.call(['read', place, '0'])).stdout);
      expect(told.exited).toMatchObject({ signal: SIGKILL, timedOut: true });
      expect(told.killed).toMatchObject({ termSent: true, killSent: true });
    });

    test('a fork bomb within its limit is ended', async () => {
      if (uid === undefined && process.getuid?.() === 0) return; // the kernel does not bound root
      using room = new KeeperRoom(uid);
      const word = own('bomb');
      const script = `: ${word}; b() { b | b & }; b; sleep 1000`;
      const place = room.place();
      const run = room.start(['run', '-m', MARK, '-l', '6:80', '-t', '400', place, '--', 'sh', '-c', script]);
      expect((await run.ended).code).toBe(0);
      const told = toldBy(readFileSync(join(place, 'journal')));
      expect(told.killed).toMatchObject({ killSent: true, survivors: 0 });
      expect(processesWith(script)).toEqual([]);
    });
  });

  test("what a program sends to all that is its user's does not reach its keeper", async () => {
    if (process.getuid?.() !== 0) return; // it would reach the tests
    using room = new KeeperRoom(34_567);
    const { exited, stdout } = await room.run(
      [],
      ['sh', '-c', 'trap "" TERM HUP; kill -TERM -1; kill -HUP -1; echo on'],
    );
    expect([stdout.toString(), exited?.exitCode]).toEqual(['on\n', 0]);
  });

  test('signals go to the group', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const trap = 'trap "echo got" USR1';
    const script = `(${trap}; echo up; while :; do sleep 0.02; done) & ${trap}; wait; wait`;
    const run = room.start(['run', '-f', place, '--', 'sh', '-c', script]);
    await upIn(place);
    expect((await room.call(['tell', place, 'signal', String(SIGUSR1)])).code).toBe(0);
    const journal = (): string => readFileSync(join(place, 'journal'), 'latin1');
    await until(() => journal().split('got\n').length === 3, 'both were signalled');
    await room.call(['tell', place, 'stop', '0']);
    await run.ended;
  });
});

async function upIn(place: string): Promise<void> {
  const journal = join(place, 'journal');
  await until(() => existsSync(journal) && readFileSync(journal).includes('up\n'), 'the program is up');
}
