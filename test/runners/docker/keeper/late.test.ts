import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Ended, KeeperRoom, toldBy, USERS } from '../../../helpers/keeper.ts';
import { until } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

/** A keeper that stays, and what its first journal has by then. */
async function first(room: KeeperRoom, place: string, options: string[], script: string): Promise<Ended> {
  room.start(['run', ...options, place, '--', 'sh', '-c', script]);
  await until(() => existsSync(join(place, 'journal')), 'its journal is there');
  return room.call(['read', place, '0']);
}

requires('linux')('What a program leaves running', () => {
  describe.each(USERS)('as %s', (_, uid) => {
    test('writes to a journal of its own with -k, until it has let go of the pipes; the first one ends as ever', async () => {
      using room = new KeeperRoom(uid);
      const place = room.place();
      const gate = join(room.path, 'gate');
      const script = `echo early; (until [ -e ${gate} ]; do sleep 0.05; done; echo late; echo err >&2; exec >&- 2>&-; sleep 1000) &`;
      const { code, stdout } = await first(room, place, ['-k'], script);
      const told = toldBy(stdout);
      expect([code, told.types, told.stdout.toString()]).toEqual([
        0,
        ['started', 'left', 'exited', 'end'],
        'early\n',
      ]);
      expect(told.exited).toMatchObject({ exitCode: 0, storageFailed: false });
      const reading = room.start(['read', `${place}.late`, '0']);
      await room.call(['run', '-f', room.place(), '--', 'touch', gate]);
      const late = await reading.ended;
      expect(late.code).toBe(0);
      const written = toldBy(late.stdout);
      expect([written.types, written.stdout.toString(), written.stderr.toString()]).toEqual([
        ['started', 'end'],
        'late\n',
        'err\n',
      ]);
      // From any byte, as any journal.
      expect((await room.call(['read', `${place}.late`, '5'])).stdout.equals(late.stdout.subarray(5))).toBe(
        true,
      );
      const forgot = await room.call(['forget', place, `${place}.late`]);
      expect([forgot.code, existsSync(place), existsSync(`${place}.late`)]).toEqual([0, false, false]);
    });
  });

  test('that has let go of the pipes, or is not there, makes no such journal', async () => {
    using room = new KeeperRoom();
    for (const script of ['echo x', 'sleep 1000 >/dev/null 2>&1 &']) {
      const place = room.place();
      const { stdout } = await first(room, place, ['-k'], script);
      expect(toldBy(stdout).types).toEqual(['started', 'exited', 'end']);
      expect(existsSync(`${place}.late`)).toBe(false);
    }
  });

  test('has no journal with -s, and none is told of', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const { stdout } = await room.call([
      'run',
      '-f',
      '-s',
      place,
      '--',
      'sh',
      '-c',
      '(sleep 1; echo late) &',
    ]);
    expect(toldBy(stdout).types).toEqual(['started', 'exited', 'end']);
    expect(existsSync(`${place}.late`)).toBe(false);
  });

  test('is ended: what it wrote until then is there, and the end', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const mark = String(2 ** 50 + process.pid);
    await first(room, place, ['-k', '-m', mark], '(echo a; sleep 0.5; echo b; sleep 1000) &');
    await until(() => readFileSync(`${place}.late/journal`).includes('b\n'), 'it has written');
    expect((await room.call(['kill', place])).stdout.toString().trim()).toBe('0');
    const late = await room.call(['read', `${place}.late`, '0']);
    expect([late.code, toldBy(late.stdout).stdout.toString(), toldBy(late.stdout).types.at(-1)]).toEqual([
      0,
      'b\n',
      'end',
    ]);
  });

  test('has what is left of the bytes that are kept, and what is more is counted', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const script = `head -c 700 /dev/zero; (sleep 0.5; head -c 800 /dev/zero) &`;
    const { stdout } = await first(room, place, ['-k', '-o', '1000'], script);
    expect(toldBy(stdout).stdout).toHaveLength(700);
    const late = toldBy((await room.call(['read', `${place}.late`, '0'])).stdout);
    expect(late.stdout).toHaveLength(300);
    expect(late.gaps).toEqual([{ type: 'gap', stream: 'stdout', length: 500, reason: 'output_limit' }]);
  });

  test('is counted until there is room for its journal, and told there as lost', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    const [gate, wrote] = [join(room.path, 'gate'), join(room.path, 'wrote')];
    writeFileSync(`${place}.late`, ''); // in its way
    const wait = `until [ -e ${gate} ]; do sleep 0.05; done`;
    const script = `(sleep 0.3; echo lost; echo err >&2; touch ${wrote}; ${wait}; echo late) &`;
    const { stdout } = await first(room, place, ['-k'], script);
    expect(toldBy(stdout).types).toEqual(['started', 'left', 'exited', 'end']);
    await until(() => existsSync(wrote), 'it has written');
    rmSync(`${place}.late`);
    await until(() => existsSync(`${place}.late/journal`), 'there is room for it');
    writeFileSync(gate, '');
    const late = toldBy((await room.call(['read', `${place}.late`, '0'])).stdout);
    expect(late.gaps).toEqual([
      { type: 'gap', stream: 'stdout', length: 5, reason: 'storage' },
      { type: 'gap', stream: 'stderr', length: 4, reason: 'storage' },
    ]);
    expect([late.types[0], late.types.at(-1), late.stdout.toString()]).toEqual(['started', 'end', 'late\n']);
  });

  test('cannot be written where there is no room for its journal: that it writes is told', async () => {
    using room = new KeeperRoom();
    const place = room.place();
    writeFileSync(`${place}.late`, '');
    const { stdout } = await first(room, place, ['-k'], '(sleep 0.3; echo late) &');
    expect(toldBy(stdout).types).toEqual(['started', 'left', 'exited', 'end']);
    expect((await room.call(['read', `${place}.late`, '0'])).code).toBe(121);
  });
});
