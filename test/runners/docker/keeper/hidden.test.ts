import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { KeeperRoom, toldBy } from '../../../helpers/keeper.ts';
import { processesWith } from '../../../helpers/processes.ts';
import { findProgram, requires } from '../../../helpers/require.ts';

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

requires(
  'linux',
  'root',
  'mount',
  'pid-namespace',
)('A keeper of a user who sees only its own processes', () => {
  test('finds them nevertheless', async () => {
    const hide =
      'mount -t proc -o hidepid=2 proc /proc && setpriv --reuid=23456 --regid=23456 --clear-groups "$@"; exit $?';
    using room = new KeeperRoom(undefined, undefined, [
      ...['unshare', '--mount', '--pid', '--fork', 'sh', '-c', hide, 'sh'],
    ]);
    chownSync(room.path, 23_456, 23_456);
    const script = `test ! -e /proc/1 || exit 9; (setsid sleep ${seconds} &); sleep 0.1; id -u`;
    const { stdout, killed, exited } = await room.run([], ['sh', '-c', script]);
    expect(stdout.toString()).toBe('23456\n');
    expect(exited?.exitCode).toBe(0);
    expect(killed).toEqual({ type: 'killed', termSent: false, killSent: true, survivors: 0 });
    expect(processesWith(seconds)).toEqual([]);
  });
});

requires('linux', 'root')('A process that left the user of its keeper', () => {
  test('is counted when it may not be killed, and the run ends', async (context) => {
    using room = new KeeperRoom(23_456);
    const become = join(room.path, 'become');
    copyFileSync(findProgram('setpriv') ?? '', become);
    chmodSync(become, 0o4755);
    const root = `${become} --reuid=0 --regid=0 --clear-groups`;
    if ((await room.run([], ['sh', '-c', `${root} id -u`])).stdout.toString() !== '0\n')
      context.skip('programs in the temporary directory cannot become root');
    const { killed, exited } = await room.run(
      [],
      ['sh', '-c', `${root} sleep ${seconds} & sleep 0.1; exit 4`],
    );
    expect(killed).toEqual({ type: 'killed', termSent: false, killSent: false, survivors: 1 });
    expect(exited?.exitCode).toBe(4);
    for (const pid of processesWith(seconds)) process.kill(pid, 'SIGKILL');
  });
});
