import type { SetupStep, setupProgress } from '../documents/setup.ts';
import type { Recorder } from '../journal/recorder.ts';
import { storageText } from '../platform/shortage.ts';
import { startTimeOf } from './find/proc.ts';
import type { ExitFacts, SpawnFailure, StartedFacts } from './protocol/messages.ts';

/** Of a program without a mark: only this line leads a later supervisor to its session. */
export function noteStarted(recorder: Recorder, run: string, pid: number): void {
  const startTime = startTimeOf(pid);
  if (startTime === null) return;
  const started: StartedFacts = { pid, start_time: startTime };
  try {
    recorder.note({ started });
  } catch (error) {
    console.error(`runwire supervisor: ${run}: its pid could not be written: ${storageText(error)}`);
  }
}

/** That a command of a setup has begun. */
export function tellBegun(recorder: Recorder, progress: ReturnType<typeof setupProgress>): void {
  try {
    recorder.progress(progress);
  } catch {
    // a full storage: that it began follows from how it ended
  }
}

/** How a command of a setup ended: what is told of it where this process dies. */
export function noteStep(recorder: Recorder, step: SetupStep): void {
  try {
    recorder.note({ step });
  } catch {
    // told with how the run ended
  }
}

/** How a program ended. False when the storage does not take it: whoever has the facts must keep them. */
export function noteExit(recorder: Recorder, facts: ExitFacts): boolean {
  try {
    recorder.note({ exit: facts });
    return true;
  } catch {
    return false;
  }
}

/** Why a program could not be started. */
export function noteFailed(recorder: Recorder, failure: SpawnFailure): void {
  try {
    recorder.note({ failed: failure });
  } catch {
    // a later server will call the run lost
  }
}
