import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KeeperRoom, type Started, toldBy, USERS } from '../../../helpers/keeper.ts';
import { until } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

const SIZE = String(100 * 65536 + 40);
const END = Buffer.alloc(4);

function framed(text: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(Buffer.byteLength(text));
  return Buffer.concat([head, Buffer.from(text)]);
}

const shows = (place: string, text: string): Promise<void> =>
  until(
    () => existsSync(join(place, 'journal')) && readFileSync(join(place, 'journal')).includes(text),
    text,
  );

function begin(room: KeeperRoom, script: string): { place: string; run: Started } {
  const place = room.place();
  return {
    place,
    run: room.start(['run', '-f', '-i', '-y', SIZE, place, '--', 'bash', '-c', script]),
  };
}

requires('linux')('A terminal by a keeper', () => {
  describe.each(USERS)('as %s', (_, uid) => {
    test('is all descriptors and the controlling one, and is read to its last byte', async () => {
      using room = new KeeperRoom(uid);
      const { run } = begin(
        room,
        'stty size; tty >/dev/null && tty <&1 >/dev/null && tty <&2 >/dev/null && : </dev/tty && echo same; stty -opost; seq 20000; echo err >&2; exit 3',
      );
      const told = toldBy((await run.ended).stdout);
      const numbers = Array.from({ length: 20000 }, (_, n) => `${n + 1}\n`).join('');
      expect(told.stdout.toString()).toBe(`40 100\r\nsame\r\n${numbers}err\n`);
      expect(told.stderr.length).toBe(0);
      expect(told.exited).toMatchObject({ exitCode: 3, signal: null });
    });

    test('is typed into, resized, has Ctrl-C, and an end after which more may come', async () => {
      using room = new KeeperRoom(uid);
      const { place, run } = begin(
        room,
        'trap "stty size" WINCH; trap "echo int" INT; echo ready; until read -t 0; do sleep 0.05; done; read x; echo "got $x"; trap - INT; cat; cat; echo over',
      );
      await shows(place, 'ready');
      expect((await room.call(['tell', place, 'size', String(90 * 65536 + 30)])).code).toBe(0);
      await shows(place, '30 90');
      await room.call(['feed', place], { input: framed('\x03') });
      await shows(place, 'int');
      await room.call(['feed', place], { input: framed('one\n') });
      await shows(place, 'got one');
      expect((await room.call(['feed', place], { input: Buffer.concat([framed('half'), END]) })).code).toBe(
        0,
      );
      // Echoed, and said by cat.
      await until(
        () => readFileSync(join(place, 'journal')).toString('latin1').split('half').length > 2,
        'half',
      );
      expect((await room.call(['feed', place], { input: Buffer.concat([framed('more\n'), END]) })).code).toBe(
        0,
      );
      const told = toldBy((await run.ended).stdout);
      expect(told.stdout.toString()).toContain('halfhalfmore\r\nmore\r\nover\r\n');
      expect(told.exited).toMatchObject({ exitCode: 0 });
      expect((await room.call(['feed', place], { input: framed('late') })).code).not.toBe(0);
    });

    test('takes a megabyte no faster than it is read', async () => {
      using room = new KeeperRoom(uid);
      const { place, run } = begin(
        room,
        'stty raw -echo; echo ready; sleep 0.3; head -c 1000000 | wc -c; read x',
      );
      await shows(place, 'ready');
      const feeding = room.start(['feed', place], { input: framed('x'.repeat(1_000_000)) });
      await shows(place, '1000000');
      expect((await feeding.ended).code).toBe(0);
      await room.call(['feed', place], { input: framed('\n') });
      expect(toldBy((await run.ended).stdout).exited).toMatchObject({ exitCode: 0 });
    });
  });

  test.each([['0'], ['65536'], ['40'], [String(2 ** 32 + 65537)]])('has no size %s', async (size) => {
    using room = new KeeperRoom();
    expect((await room.call(['run', '-i', '-y', size, room.place(), '--', 'true'])).code).toBe(
      size === '0' ? 0 : 2,
    );
  });
});
