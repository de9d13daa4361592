import { parseJson } from '../platform/json-parse.ts';
import type { RunContext, RunOutput } from './context.ts';
import type { RunnerOutcome } from './outcome.ts';

interface EndingNote {
  ending: RunnerOutcome;
}

/** Keep how it ended, before what tells it goes or somebody sees it: after that no later server could learn it. */
export function noteEnding(output: RunOutput, ending: RunnerOutcome): void {
  output.complete();
  output.note(JSON.stringify({ ending } satisfies EndingNote));
}

/** How it ended, where an earlier server had come to note that. Resumes the output. */
export async function earlierEnding({
  resumeOutput,
}: Pick<RunContext, 'resumeOutput'>): Promise<RunnerOutcome | null> {
  const endings: RunnerOutcome[] = [];
  await resumeOutput((line) => {
    const ending = endingOf(line);
    if (ending) endings.push(ending);
  });
  return endings.at(-1) ?? null;
}

/** Null: the line is another note. */
export function endingOf(line: string): RunnerOutcome | null {
  try {
    return (parseJson(line) as Partial<EndingNote>).ending ?? null;
  } catch {
    return null; // torn in the middle, by a crash of the machine
  }
}
