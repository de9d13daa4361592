import type { RunDirectory } from '../disk/run-directory.ts';
import { byChannel } from '../documents/outcome.ts';
import type { SetupStep } from '../documents/setup.ts';
import { CHANNELS } from '../documents/stream.ts';
import { type Recorded, readEarlier } from '../journal/earlier.ts';
import { Recorder } from '../journal/recorder.ts';
import { readLastWords } from './protocol/checks.ts';
import type { Captures, ExitFacts, SpawnFailure, StartedFacts } from './protocol/messages.ts';

/** What the files of a run say that an earlier supervisor had. */
export interface Remains {
  /** Null: nothing was written. */
  recorded: Recorded | null;
  /** How it ended, when that was written. */
  exit: ExitFacts | null;
  failed: SpawnFailure | null;
  started: StartedFacts | null;
  /** Commands of its setup that had ended. */
  steps: SetupStep[];
}

/** A run that wrote nothing has no files. */
export async function readRemains(
  directory: RunDirectory,
  firstSeq: number,
  rebooted: boolean,
): Promise<Remains> {
  const words: Omit<Remains, 'recorded'> = { exit: null, failed: null, started: null, steps: [] };
  const onNote = (note: Readonly<Record<string, unknown>>): Captures | null => {
    const { step, ...word } = readLastWords(note);
    if (step) words.steps.push(step);
    Object.assign(words, word);
    return words.exit;
  };
  const recorded = await readEarlier(directory, firstSeq, { rebooted, onNote });
  return { recorded, ...words };
}

interface Completed {
  captures: Captures;
  end: number;
  next_seq: number;
}

/** Tell of captured bytes that no event tells of yet, and return the facts of the captures. */
export function completeJournal(
  directory: RunDirectory,
  firstSeq: number,
  recorded: Recorded | null,
  setup = false,
): Completed {
  const recorder = recorderOf(directory, firstSeq, recorded, setup);
  const { nextSeq, loss: _, ...captures } = recorder.end();
  recorder.close();
  return { captures, end: recorder.position, next_seq: nextSeq };
}

/** How a program ended is true whatever became of its files; what is said of its output is what these still have. */
export function completeExit(
  directory: RunDirectory,
  firstSeq: number,
  recorded: Recorded,
  exit: ExitFacts,
): { facts: ExitFacts; end: number } {
  if (holds(recorded, exit)) return { facts: exit, end: recorded.position };
  const recorder = recorderOf(directory, firstSeq, recorded, exit.setup !== undefined);
  const { stdout, stderr, setup: captures, nextSeq, loss } = recorder.end();
  const capture_error = exit.capture_error ?? loss;
  const setup = exit.setup && { ...exit.setup, ...captures };
  const facts = { ...exit, stdout, stderr, next_seq: nextSeq, capture_error, ...(setup && { setup }) };
  recorder.close();
  return { facts, end: recorder.position };
}

/** Are the files what they were when the program ended. */
function holds({ nextSeq, captures, cut }: Recorded, exit: ExitFacts): boolean {
  const said = byChannel(exit);
  return (
    !cut &&
    nextSeq === exit.next_seq &&
    CHANNELS.every((channel) => {
      const { kept, told, lost } = captures[channel] ?? { kept: 0, told: 0, lost: [] };
      return kept === (said[channel]?.kept ?? 0) && told === kept && lost.length === 0;
    })
  );
}

function recorderOf(
  directory: RunDirectory,
  firstSeq: number,
  recorded: Recorded | null,
  setup: boolean,
): Recorder {
  const maxOutputBytes = Number.POSITIVE_INFINITY; // nothing more comes
  return new Recorder({ directory, firstSeq, maxOutputBytes, recorded, setup });
}
