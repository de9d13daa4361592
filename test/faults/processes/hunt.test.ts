import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runDirectory } from '../../../src/disk/run-directory.ts';
import { Recorder } from '../../../src/journal/recorder.ts';
import type { ProcessFinder } from '../../../src/supervisor/find/finder.ts';
import { Program } from '../../../src/supervisor/program.ts';
import type { ExitFacts } from '../../../src/supervisor/protocol/messages.ts';
import type { ProgramExit, Spawner, StartedProgram } from '../../../src/supervisor/spawn/spawner.ts';
import { until } from '../../helpers/processes.ts';

const ended = { drain: () => true, follow() {}, close() {} };

test('what outlived its run is looked for until it is gone, and the answer does not wait for that', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'runwire-hunt-'));
  let living = 1;
  let signals = 0;
  let forgotten = false;
  const finder: ProcessFinder = {
    begin() {},
    end: () => {
      forgotten = true;
    },
    mayHaveLeft: () => living > 0,
    each: (_marks, _known, found) => {
      for (let i = 0; i < living; i++) found({ pid: 1, startTime: 1 });
      return living;
    },
  };
  const spawner: Spawner = {
    name: 'posix',
    finder,
    signal: () => void signals++,
    peerOf: () => null,
    spawn: () => {
      throw new Error('not asked for');
    },
  };
  let exit = (_exit: ProgramExit): void => {};
  const child: StartedProgram = {
    pid: 2,
    stdout: ended,
    stderr: ended,
    stdin: null,
    terminal: null,
    mark: 1n,
    signalGroup: () => false,
    onExit: (callback) => {
      exit = callback;
    },
  };
  const directory = runDirectory(dataDir, 'r');
  const recorder = new Recorder({ directory, firstSeq: 3, maxOutputBytes: 10 });
  const told = Promise.withResolvers<ExitFacts>();
  try {
    new Program('r', child, spawner, 0, recorder, {
      attached() {},
      active() {},
      isHeard: () => true,
      ended: (facts) => told.resolve(facts),
    });
    exit({ code: 0, signal: null, usage: null });
    expect((await told.promise).kill).toEqual({ signals: ['SIGKILL'], survivors: 1 });
    expect(forgotten).toBe(false);
    const before = signals;
    await until(() => signals > before, 'it is signalled again');
    living = 0;
    await until(() => forgotten, 'the run is forgotten');
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
