import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { signalName, signalNumber } from '../../../../runners/docker/keeper/signals.ts';
import { LINES } from '../../../../runners/docker/keeper/words.ts';
import { KeeperRoom, toldBy, USERS } from '../../../helpers/keeper.ts';
import { until } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

for (const [who, uid] of USERS)
  requires('linux')(`A keeper that is told lines by who follows it, as ${who}`, () => {
    test('signals, stops, and goes when it is to be forgotten, and not before', async () => {
      using room = new KeeperRoom(uid);
      const place = room.place();
      const script =
        'trap "echo usr1" USR1; trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done';
      const run = room.start(['run', '-f', '-c', '-m', '1125899906842777', place, '--', 'sh', '-c', script], {
        input: 'open',
      });
      let told = '';
      run.child.stdout?.on('data', (chunk: Buffer) => {
        told += chunk.toString('latin1');
      });
      await until(() => told.includes('up\n'), 'it is up');
      run.child.stdin?.write(LINES.signal(10));
      await until(() => told.includes('usr1\n'), 'it got the signal');
      run.child.stdin?.write(LINES.stop(60_000));
      await until(() => told.endsWith('z\0\0\0\0'), 'its end is told');
      expect(existsSync(place)).toBe(true);
      run.child.stdin?.write(LINES.forget);
      const { code, stdout } = await run.ended;
      expect([code, toldBy(stdout).exited?.exitCode, existsSync(place)]).toEqual([0, 5, false]);
    });

    test('ends with its follower gone as without one, and is read, stopped and forgotten by another', async () => {
      using room = new KeeperRoom(uid);
      const place = room.place();
      const run = room.start(['run', '-f', '-c', place, '--', 'sh', '-c', 'echo up; sleep 60'], {
        input: 'open',
      });
      await until(() => existsSync(`${place}/journal`), 'it has begun');
      run.child.stdin?.end();
      const read = room.start(['read', '-c', place, '0'], {
        input: Buffer.from(`${LINES.stop(0)}${LINES.forget}`),
      });
      const { code, stdout } = await read.ended;
      expect([code, toldBy(stdout).exited?.signal, existsSync(place)]).toEqual([0, 9, false]);
      expect((await run.ended).code).toBe(0);
    });

    test('an end of its stdin is no word: the journal stays', async () => {
      using room = new KeeperRoom(uid);
      const place = room.place();
      const { code } = await room.call(['run', '-f', '-c', place, '--', 'true'], { input: Buffer.alloc(0) });
      expect([code, existsSync(`${place}/journal`)]).toEqual([0, true]);
      await room.call(['run', place, '--', 'true']);
      expect((await room.call(['forget', place, room.place()])).code).toBe(0);
      expect(existsSync(place)).toBe(false);
    });
  });

describe('Signals of Linux', () => {
  test.runIf(process.platform === 'linux')('have the numbers that they have here', () => {
    for (const [name, number] of Object.entries(constants.signals)) {
      expect(signalNumber(name), name).toBe(number);
      expect(signalNumber(signalName(number)), name).toBe(number);
    }
    expect([signalNumber('SIGNONE'), signalNumber('SIG65'), signalNumber('SIG34'), signalName(34)]).toEqual([
      null,
      null,
      34,
      'SIG34',
    ]);
  });
});
