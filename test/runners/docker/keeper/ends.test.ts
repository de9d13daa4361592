import { randomInt } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KeeperRoom, toldBy, USERS } from '../../../helpers/keeper.ts';
import { own } from '../../../helpers/own-id.ts';
import { processesWith, until } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

const { ENOENT, EACCES, ENOEXEC, ENOTDIR } = constants.errno;
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

    test('what cannot be executed did not start, and says why', async () => {
      using room = new KeeperRoom(uid);
      const file = join(room.path, 'file');
      writeFileSync(file, 'no program');
      chmodSync(file, 0o644);
      const whyNot = async (program: string, path = '/usr/bin:/bin'): Promise<unknown> => {
        const { frames } = await room.run([], [program], { env: { PATH: path } });
        expect(frames.at(-1)).toEqual({ type: 'end' });
        return frames[0]?.type === 'not_started' ? frames[0].errno : frames;
      };
      expect(await whyNot('no-such-program')).toBe(ENOENT);
      expect(await whyNot('/no/such/program')).toBe(ENOENT);
      expect(await whyNot('')).toBe(ENOENT);
      expect(await whyNot(file)).toBe(EACCES);
      expect(await whyNot(`${file}/below`)).toBe(ENOTDIR);
      expect(await whyNot('file', `/nowhere:${room.path}:${file}`)).toBe(EACCES);
      chmodSync(file, 0o755);
      expect(await whyNot(file)).toBe(ENOEXEC);
      expect(await whyNot('file', `/nowhere:${room.path}`)).toBe(ENOEXEC);
      expect(await whyNot('./file')).toBe(ENOEXEC);
    });

    test('PATH is searched as execvp does', async () => {
      using room = new KeeperRoom(uid);
      const [first, second] = [join(room.path, 'first'), join(room.path, 'second')];
      for (const [folder, mode] of [
        [first, 0o644],
        [second, 0o755],
      ] as const) {
        mkdirSync(folder);
        writeFileSync(join(folder, 'tool'), `#!/bin/sh\necho ${folder}\n`);
        chmodSync(join(folder, 'tool'), mode);
      }
      const told = await room.run([], ['tool'], { env: { PATH: `/nowhere:${first}:${second}` } });
      expect(told.stdout.toString()).toBe(`${second}\n`);
      const here = await room.run([], ['tool'], { env: { PATH: '/nowhere:' }, cwd: second });
      expect(here.stdout.toString()).toBe(`${second}\n`);
      expect((await room.run([], ['sh', '-c', 'echo found'], { env: {} })).stdout.toString()).toBe('found\n');
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

  test('the program has signals, session, input and descriptors as if nobody watched it', async () => {
    using room = new KeeperRoom();
    const script =
      'grep -E "Sig(Blk|Ign|Cgt)" /proc/self/status; cat; ls -l /proc/self/fd; ps -o pid=,sid=,pgid= -p $$';
    const { stdout } = await room.run([], ['bash', '-c', script]);
    const [blocked, ignored, , ...rest] = stdout.toString().split('\n');
    expect([blocked, ignored]).toEqual(['SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000']);
    const descriptors = rest
      .filter((line) => line.includes('->'))
      .map((line) => line.replace(/^.* (\d+) -> /, '$1 '));
    expect(descriptors.map((line) => line.replace(/\[\d+\]/, ''))).toEqual([
      '0 /dev/null',
      '1 pipe:',
      '2 pipe:',
      expect.stringMatching(/^3 \/proc\/\d+\/fd$/),
    ]);
    const [pid, session, group] = (rest.at(-2) ?? '').trim().split(/\s+/);
    expect([session, group]).toEqual([pid, pid]);
  });

  test('limits hold, none is raised, and the mark is inherited', async () => {
    using room = new KeeperRoom();
    const script = 'ulimit -n; ulimit -Hn; grep "realtime timeout" /proc/self/limits';
    const { stdout } = await room.run(
      ['-l', '7:123', '-l', '1:9007199254740993', '-m', MARK],
      ['bash', '-c', script],
    );
    expect(stdout.toString().split(/\s+/)).toEqual([
      '123',
      '123',
      'Max',
      'realtime',
      'timeout',
      MARK,
      'unlimited',
      'us',
      '',
    ]);
    const { exited } = await room.run(['-l', '1:1000'], ['sh', '-c', 'head -c 100000 /dev/zero > big']);
    expect(exited?.exitCode).not.toBe(0);
  });

  test('a second run in the same place starts nothing', async () => {
    using room = new KeeperRoom();
    const [place, file] = [room.place(), join(room.path, 'made')];
    await room.call(['run', place, '--', 'true']);
    const again = await room.call(['run', place, '--', 'touch', file]);
    expect(again).toMatchObject({ code: 120, stderr: `keeper: there is a journal already in: ${place}\n` });
    expect(existsSync(file)).toBe(false);
    const other = room.place();
    const both = await Promise.all(
      [1, 2, 3, 4].map(() => room.call(['run', other, '--', 'sh', '-c', 'echo >> count'])),
    );
    expect(both.map(({ code }) => code).sort()).toEqual([0, 120, 120, 120]);
    expect(readFileSync(join(room.path, 'count'), 'utf8')).toBe('\n');
  });

  test('a place that others may write to is none', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    mkdirSync(place);
    chmodSync(place, 0o777);
    expect(await room.call(['run', place, '--', 'true'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(place),
    });
  });

  test.each([
    [[]],
    [['walk']],
    [['run', 'place']],
    [['run', 'place', '--']],
    [['run', '-q', 'place', '--', 'true']],
    [['run', '-o', '-1', 'place', '--', 'true']],
    [['run', '-t', '1s', 'place', '--', 'true']],
    [['run', '-l', '7', 'place', '--', 'true']],
    [['run', '-l', '16:1', 'place', '--', 'true']],
    [['run', '-o', '99999999999999999999', 'place', '--', 'true']],
    [['read', 'place']],
    [['read', 'place', '-1']],
    [['tell', 'place', 'signal', '0']],
    [['tell', 'place', 'signal', '65']],
    [['tell', 'place', 'stop']],
    [['tell', 'place', 'eof', '1']],
    [['feed']],
  ])('%j is wrong usage', async (words) => {
    using room = new KeeperRoom();
    expect(await room.call(words)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^keeper: usage: .*\n$/),
    });
    expect(existsSync(join(room.path, 'place'))).toBe(false);
  });
});

async function upIn(place: string): Promise<void> {
  const journal = join(place, 'journal');
  await until(() => existsSync(journal) && readFileSync(journal).includes('up\n'), 'the program is up');
}
