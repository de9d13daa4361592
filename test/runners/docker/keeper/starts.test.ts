import { randomInt } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KeeperRoom, USERS } from '../../../helpers/keeper.ts';
import { requires } from '../../../helpers/require.ts';

const { ENOENT, EACCES, ENOEXEC, ENOTDIR } = constants.errno;
const MARK = String(2n ** 51n + BigInt(randomInt(2 ** 40)));

requires('linux')('The start of a program under a keeper', () => {
  describe.each(USERS)('as %s', (_, uid) => {
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
