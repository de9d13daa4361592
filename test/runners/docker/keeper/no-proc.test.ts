import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { KeeperRoom, toldBy } from '../../../helpers/keeper.ts';
import { processesWith } from '../../../helpers/processes.ts';
import { requires } from '../../../helpers/require.ts';

const seconds = String(randomInt(100_000, 999_999_999));

requires('linux', 'mount')('A keeper without /proc', () => {
  afterEach(() => {
    for (const pid of processesWith(seconds)) process.kill(pid, 'SIGKILL');
  });

  /** In a mount namespace of its own, where something else lies over /proc. */
  async function run(script: string): Promise<ReturnType<typeof toldBy>> {
    const hide = 'mount -t tmpfs none /proc && exec "$@"';
    using room = new KeeperRoom(undefined, undefined, ['unshare', '--mount', 'sh', '-c', hide, 'sh']);
    const { code, stdout, stderr } = await room.call(['run', '-f', room.place(), '--', 'sh', '-c', script]);
    expect([code, stderr]).toEqual([0, '']);
    expect(existsSync('/proc/self/stat')).toBe(true);
    return toldBy(stdout);
  }

  test('ends the group of the program', async () => {
    const { killed, exited } = await run(`test ! -e /proc/self && sleep ${seconds} & sleep 0.1; exit 2`);
    expect(killed).toEqual({ type: 'killed', termSent: false, killSent: true, survivors: 0 });
    expect(exited?.exitCode).toBe(2);
    expect(processesWith(seconds)).toEqual([]);
  });

  test('says that something was left which it cannot find', async () => {
    const { killed } = await run(`setsid sleep ${seconds} & sleep 0.1`);
    expect(killed).toMatchObject({ survivors: 1 });
  });
});
