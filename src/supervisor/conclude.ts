import type { Recorder } from '../journal/recorder.ts';
import { hunt } from './find/hunt.ts';
import { killAll } from './find/kill-rounds.ts';
import { noteExit } from './notes.ts';
import type { ExitFacts, SpawnFailure } from './protocol/messages.ts';
import type { Setup } from './setup.ts';
import type { Spawner } from './spawn/spawner.ts';
import { DRAIN_STOPPED_MS } from './waits.ts';

export interface Conclusion {
  spawner: Spawner;
  recorder: Recorder;
  setup: Setup;
  /** Why the command could not be started. */
  failure?: SpawnFailure | undefined;
  /** What the setup left running stays, and is not listened to. */
  holds?: boolean;
  /** Is somebody there who is told at once how it ended. */
  isHeard(): boolean;
}

/** The end of a run that had a setup and has no command, or none any more. `recorded`: the journal has the facts. */
export async function conclude(parts: Conclusion): Promise<{ facts: ExitFacts; recorded: boolean }> {
  const { spawner, recorder, setup, failure, holds = false } = parts;
  const endedAt = performance.now();
  if (holds) setup.output.ignore();
  const { found, survivors } = holds ? { found: false, survivors: 0 } : await endAll(spawner, setup);
  const { stdout, stderr, setup: captures, nextSeq, loss } = recorder.end();
  const ofSetup = setup.facts(captures ?? { stdout, stderr });
  const signals = [...(setup.signals ?? [])];
  if (found && signals.at(-1) !== 'SIGKILL') signals.push('SIGKILL');
  const facts: ExitFacts = {
    ...{ pid: null, code: null, signal: null, stdout, stderr, next_seq: nextSeq },
    usage: setup.usage ?? null,
    kill: signals.length > 0 ? { signals, survivors } : null,
    timings: { setup_ms: ofSetup.ms, drain_ms: Math.round((performance.now() - endedAt) * 1000) / 1000 },
    capture_error: loss,
    setup: ofSetup,
    ...(setup.timedOut && { timed_out: true }),
    ...(failure && { failure }),
  };
  const recorded = recorder.hasFiles || !parts.isHeard() ? noteExit(recorder, facts) : false;
  recorder.close();
  return { facts, recorded };
}

/** Nothing that the commands of a setup started stays. `settleMs`: as in killAll. */
export async function endAll(
  spawner: Spawner,
  { marks, output }: Pick<Setup, 'marks' | 'output'>,
  settleMs?: number,
): Promise<{ found: boolean; survivors: number }> {
  const left = spawner.finder.mayHaveLeft(marks);
  const killed = left ? await killAll(spawner, marks, settleMs) : { found: false, survivors: 0 };
  if (killed.survivors > 0) void hunt(spawner, marks);
  else {
    await output.over(DRAIN_STOPPED_MS);
    spawner.finder.end(marks);
  }
  output.close();
  return killed;
}
