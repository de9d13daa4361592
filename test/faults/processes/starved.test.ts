import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { killAll } from '../../../src/supervisor/find/kill-rounds.ts';
import type { Marks } from '../../../src/supervisor/find/marks.ts';
import { portableSpawner } from '../../../src/supervisor/spawn/portable-spawner.ts';
import type { StartedProgram } from '../../../src/supervisor/spawn/spawner.ts';
import { ProgramStop } from '../../../src/supervisor/stop.ts';
import { requires } from '../../helpers/require.ts';

/** Longer than a process that does not end is waited for. */
const STARVED_MS = 400;
const LOOP = 'echo up; while :; do :; done';

/** A process that was killed ends when it is let run, and others have all of its core meanwhile. */
requires('linux', 'root')('On a machine so busy that a killed process is not let run', () => {
  let program: ChildProcess;
  let ended: Promise<unknown>;
  let greedy: ChildProcess;
  let marks: Marks;

  const loop = async (...through: string[]): Promise<ChildProcess> => {
    const [command = '', ...words] = [...through, 'taskset', '-c', '0', 'sh', '-c', LOOP];
    const child = spawn(command, words, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    return child;
  };
  const release = (): void => void greedy.kill('SIGKILL');

  beforeEach(async () => {
    program = await loop();
    ended = once(program, 'exit');
    marks = { run: randomUUID(), leader: program.pid ?? 0, leaderGoneAt: null, mark: null };
    greedy = await loop('chrt', '--fifo', '1');
  });
  afterEach(async () => {
    release();
    program.kill('SIGKILL');
    await ended;
  });

  test('it is no survivor', async () => {
    setTimeout(release, STARVED_MS);
    const { finder, signal } = portableSpawner();
    expect(await killAll({ finder, signal }, marks)).toEqual({ found: true, survivors: 0 });
  });

  test('how it ended is waited for', async () => {
    const spawner = portableSpawner();
    const child = { pid: program.pid, signalGroup: (signal) => program.kill(signal) } as StartedProgram;
    let isGivenUp = false;
    const stop = new ProgramStop(child, spawner, marks, () => {
      isGivenUp = true;
    });
    program.once('exit', () => {
      marks.leaderGoneAt = performance.now();
      stop.callOff();
    });
    setTimeout(release, STARVED_MS);
    stop.begin(0, false);
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect([isGivenUp, stop.signals]).toEqual([false, ['SIGKILL']]);
  });
});
