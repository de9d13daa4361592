import type { RunnerOutcome, RunOutput } from '../../src/runner.ts';

interface EndingNote {
  ending: RunnerOutcome;
}

/** Keep how it ended before its container goes: after that no later server could learn it. */
export function noteEnding(output: RunOutput, ending: RunnerOutcome): void {
  output.complete();
  output.note(JSON.stringify({ ending } satisfies EndingNote));
}

/** How it ended, if this line tells it. */
export function endingOf(line: string): RunnerOutcome | null {
  try {
    return (JSON.parse(line) as Partial<EndingNote>).ending ?? null;
  } catch {
    return null; // torn in the middle, by a crash of the machine
  }
}
