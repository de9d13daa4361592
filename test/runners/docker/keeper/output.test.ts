import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SmallDisk } from '../../../faults/small-disk.ts';
import { KeeperRoom, toldBy, USERS } from '../../../helpers/keeper.ts';
import { until } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

const sum = (numbers: number[]): number => numbers.reduce((all, one) => all + one, 0);

requires('linux')('Output through a keeper', () => {
  describe.each(USERS)('as %s', (_, uid) => {
    test('20 MB on both streams at once, byte for byte', async () => {
      using room = new KeeperRoom(uid);
      const [out, err] = [randomBytes(20_000_000), randomBytes(20_000_000)];
      writeFileSync(join(room.path, 'out'), out, { mode: 0o644 });
      writeFileSync(join(room.path, 'err'), err, { mode: 0o644 });
      const told = await room.run([], ['sh', '-c', 'cat err >&2 & cat out; wait']);
      expect(told.stdout.equals(out)).toBe(true);
      expect(told.stderr.equals(err)).toBe(true);
      expect(told.types).toEqual(['started', 'exited', 'end']);
    });
  });

  test('of programs of all sorts, with the exit that they chose', async () => {
    using room = new KeeperRoom();
    const step = fc.record({
      stream: fc.constantFrom('1', '2'),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }),
      times: fc.constantFrom(1, 1, 7, 900),
      how: fc.constantFrom('cat', 'cat', '(cat)', 'sleep 0.01; cat'),
    });
    const end = fc.oneof(
      fc
        .integer({ min: 0, max: 255 })
        .map((code) => ({ words: `exit ${code}`, exitCode: code, signal: null })),
      fc
        .constantFrom(1, 3, 9, 11, 15)
        .map((signal) => ({ words: `kill -${signal} $$`, exitCode: null, signal })),
    );
    let n = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), end, async (steps, { words, exitCode, signal }) => {
        const expected: Record<string, Buffer[]> = { 1: [], 2: [] };
        const lines = steps.map(({ stream, bytes, times, how }) => {
          const file = join(room.path, `piece-${n++}`);
          const all = Buffer.concat(Array.from({ length: times }, () => bytes));
          writeFileSync(file, all);
          expected[stream]?.push(all);
          return `${how.replace('cat', `cat ${file}`)} >&${stream}`;
        });
        const told = await room.run([], ['sh', '-c', [...lines, words].join('\n')]);
        expect(told.stdout.equals(Buffer.concat(expected['1'] ?? []))).toBe(true);
        expect(told.stderr.equals(Buffer.concat(expected['2'] ?? []))).toBe(true);
        expect(told.exited).toMatchObject({ exitCode, signal, timedOut: false, storageFailed: false });
      }),
      { seed: 25, numRuns: 40 },
    );
  });

  test('what is more than is kept is counted to the byte, and slows nobody', async () => {
    using room = new KeeperRoom();
    const told = await room.run(
      ['-o', '1000'],
      ['sh', '-c', 'head -c 3000000 /dev/zero; head -c 1000 /dev/zero >&2; echo more >&2'],
    );
    expect([told.stdout.length, told.stderr.length]).toEqual([1000, 1000]);
    const dropped = (stream: string): number =>
      sum(told.gaps.filter((gap) => gap.stream === stream).map(({ length }) => length));
    expect([dropped('stdout'), dropped('stderr')]).toEqual([2_999_000, 5]);
    expect(told.gaps.every(({ reason }) => reason === 'output_limit')).toBe(true);
    expect(told.gaps.length).toBeLessThan(40);
    const first = told.frames.findIndex(({ type }) => type === 'gap');
    expect(told.frames[first - 1]).toMatchObject({ type: 'output' });
    expect(told.exited).toMatchObject({ exitCode: 0, storageFailed: false });
  });

  test('nothing is kept with -o 0', async () => {
    using room = new KeeperRoom();
    const told = await room.run(['-o', '0'], ['echo', 'hello']);
    expect(told.gaps).toEqual([{ type: 'gap', stream: 'stdout', length: 6, reason: 'output_limit' }]);
    expect(told.stdout).toHaveLength(0);
  });

  test('who follows and never reads does not hold the program up', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const { child, ended } = room.start(['run', '-f', place, '--', 'head', '-c', '3000000', '/dev/zero']);
    child.stdout?.pause();
    const journal = join(place, 'journal');
    await until(
      () => existsSync(journal) && readFileSync(journal).subarray(-5).equals(Buffer.from('z\0\0\0\0')),
      'the program has ended',
    );
    child.stdout?.resume();
    expect(toldBy((await ended).stdout).stdout).toHaveLength(3_000_000);
  });

  test('a program that closes its output goes on without it', async () => {
    using room = new KeeperRoom();
    const told = await room.run([], ['sh', '-c', 'echo a; exec >&- 2>&-; sleep 0.1; exit 4']);
    expect([told.stdout.toString(), told.exited?.exitCode]).toEqual(['a\n', 4]);
  });
});

requires('linux', 'mount')('A full disk under a journal', () => {
  test('loses output, says how much and where, and goes on when there is room', async () => {
    using room = new KeeperRoom();
    using disk = new SmallDisk(1 << 20);
    const place = join(disk.path, 'run');
    const marker = join(room.path, 'written');
    const script = `echo one; read _; head -c 400000 /dev/zero; echo >&2; touch ${marker}; read _; echo two; exit 5`;
    const run = room.start(['run', '-i', place, '--', 'sh', '-c', script]);
    const journal = (): Buffer => readFileSync(join(place, 'journal'));
    await until(() => existsSync(join(place, 'journal')) && journal().includes('one'), 'it has begun');
    disk.fill();
    const fed = room.start(['feed', place], { input: 'open' });
    const line = Buffer.from([1, 0, 0, 0, 10]);
    fed.child.stdin?.write(line);
    await until(() => existsSync(marker), 'the program has written what the disk does not take');
    disk.clear();
    fed.child.stdin?.end(line);
    expect((await run.ended).code).toBe(0);
    const told = toldBy(journal());
    expect(told.gaps.length).toBeGreaterThan(0);
    expect(told.gaps.every(({ reason }) => reason === 'storage')).toBe(true);
    const lost = sum(told.gaps.map(({ length }) => length));
    expect(told.stdout.length + told.stderr.length + lost).toBe(4 + 400_000 + 1 + 4);
    expect(told.stdout.toString().endsWith('two\n')).toBe(true);
    expect(told.exited).toMatchObject({ exitCode: 5, storageFailed: true });
    expect(told.types.at(-1)).toBe('end');
  });

  test('that stays full gets the exit nevertheless', async () => {
    using room = new KeeperRoom();
    using disk = new SmallDisk(1 << 20);
    const place = join(disk.path, 'run');
    const script = 'echo one; read _; head -c 4000000 /dev/zero; exit 6';
    const run = room.start(['run', '-i', place, '--', 'sh', '-c', script]);
    const journal = (): Buffer => readFileSync(join(place, 'journal'));
    await until(() => existsSync(join(place, 'journal')) && journal().includes('one'), 'it has begun');
    disk.fill();
    const fed = await room.call(['feed', place], { input: Buffer.from([1, 0, 0, 0, 10]) });
    expect(fed.code).toBe(0);
    expect((await run.ended).code).toBe(0);
    const told = toldBy(journal());
    const lost = sum(told.gaps.map(({ length }) => length));
    expect(told.stdout.length + lost).toBe(4_000_004);
    expect(lost).toBeGreaterThan(3_000_000);
    expect(told.gaps.every(({ reason }) => reason === 'storage')).toBe(true);
    expect(told.exited).toMatchObject({ exitCode: 6, storageFailed: true });
  });
});
