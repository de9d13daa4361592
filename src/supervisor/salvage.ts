import { type Recorded, readRecorded } from '../recorded.ts';
import { Recorder } from '../recorder.ts';
import type { RunDirectory } from '../run-directory.ts';
import type { Captures, ExitFacts, SpawnFailure, StartedFacts } from './protocol.ts';

/** What the files of a run say that an earlier supervisor had. */
export interface Remains {
  /** Null: nothing was written. */
  recorded: Recorded | null;
  /** How it ended, when that was written. */
  exit: ExitFacts | null;
  failed: SpawnFailure | null;
  started: StartedFacts | null;
}

/** A run that wrote nothing has no files. */
export async function readRemains(directory: RunDirectory, firstSeq: number): Promise<Remains> {
  const words = { exit: null, failed: null, started: null };
  const recorded = await readRecorded(directory, firstSeq, (line) => Object.assign(words, parse(line)));
  return { recorded, ...words };
}

/** Tell of captured bytes that no event tells of yet, and return the facts of the captures. */
export function completeJournal(
  directory: RunDirectory,
  firstSeq: number,
  recorded: Recorded | null,
): { captures: Captures; end: number; next_seq: number } {
  const recorder = new Recorder({
    directory,
    firstSeq,
    maxOutputBytes: Number.POSITIVE_INFINITY, // nothing more comes
    recorded,
  });
  const { stdout, stderr, nextSeq } = recorder.end();
  recorder.close();
  return { captures: { stdout, stderr }, end: recorder.position, next_seq: nextSeq };
}

function parse(line: string): Partial<Omit<Remains, 'recorded'>> {
  try {
    return JSON.parse(line);
  } catch {
    return {}; // torn in the middle, by a crash of the machine
  }
}
