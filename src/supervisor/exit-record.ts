import type { Recorder } from '../journal/recorder.ts';
import type { ExitFacts } from './protocol/messages.ts';

/** Write the exit record. False when the storage does not take it: whoever has the facts must keep them. */
export function recordExit(recorder: Recorder, facts: ExitFacts): boolean {
  try {
    recorder.note({ exit: facts });
    return true;
  } catch {
    return false;
  }
}
