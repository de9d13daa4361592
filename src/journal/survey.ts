import { statSync } from 'node:fs';
import type { RunDirectory } from '../disk/run-directory.ts';
import type { CaptureFacts } from '../documents/outcome.ts';
import { SETUP_CHANNELS } from '../documents/stream.ts';
import { decodeLine, isShared } from './journal.ts';
import { bound, claim, follows, nothingTold, type ToldOf, take } from './told.ts';
import { wholeLines } from './whole-lines.ts';

/** How the files of a run were found. Bytes. */
export interface Survey {
  /** Of the journal; null: there is none. */
  size: number | null;
  /** At its beginning, of whole lines that follow each other. */
  whole: number;
  /** After the last of these. */
  nextSeq: number;
  /** Where the first of these begins whose bytes the capture does not have. */
  firstLost: number | null;
  /** Lines behind these were damaged or did not follow. */
  cut: boolean;
  /** Of notes behind a cut the last of each sort, as its line: what they say is true all the same. */
  notes: string[];
  streams: ToldOf;
  /** An earlier release wrote what setup said into the captures of the command. */
  sharesSetup: boolean;
}

/** Gets lines that are no event. Returns what one says of all that was captured, if it does. */
export type NoteReader = (note: Readonly<Record<string, unknown>>) => CaptureFacts | null;

/** Read all of it, and change nothing. Null when nothing was recorded. */
export async function survey(
  directory: RunDirectory,
  firstSeq: number,
  onNote: NoteReader,
): Promise<Survey | null> {
  const sizes = { stdout: sizeOf(directory.stdout), stderr: sizeOf(directory.stderr) };
  const size = sizeOf(directory.journal);
  if (sizes.stdout === null && sizes.stderr === null && size === null) return null;
  const streams: ToldOf = {
    stdout: nothingTold('stdout', directory.stdout, sizes.stdout ?? 0),
    stderr: nothingTold('stderr', directory.stderr, sizes.stderr ?? 0),
  };
  // Made after the journal.
  for (const channel of size === null ? [] : SETUP_CHANNELS) {
    const ofSetup = sizeOf(directory[channel]);
    if (ofSetup !== null) streams[channel] = nothingTold(channel, directory[channel], ofSetup);
  }
  const found: Survey = {
    size,
    whole: 0,
    nextSeq: firstSeq,
    firstLost: null,
    cut: false,
    notes: [],
    streams,
    sharesSetup: false,
  };
  try {
    if (size !== null) await readJournal(directory.journal, found, onNote);
  } finally {
    for (const { capture } of Object.values(streams)) await capture.close();
  }
  return found;
}

async function readJournal(path: string, found: Survey, onNote: NoteReader): Promise<void> {
  const { streams } = found;
  const notes = new Map<string, string>();
  for await (const line of wholeLines(path)) {
    const decoded = decodeLine(line);
    if (decoded?.note) bound(streams, onNote(decoded.note));
    found.cut ||= !decoded || (decoded.entry !== null && !follows(streams, found.nextSeq, decoded.entry));
    if (decoded?.entry) claim(streams, decoded.entry, found.cut);
    found.sharesSetup ||= decoded?.entry != null && isShared(decoded.entry);
    if (found.cut) {
      if (decoded?.note) notes.set(Object.keys(decoded.note)[0] ?? '', `${line}\n`);
      continue;
    }
    if (decoded?.entry) {
      found.nextSeq++;
      if (!(await take(streams, decoded.entry))) found.firstLost ??= found.whole;
    }
    found.whole += line.length + 1;
  }
  found.notes = [...notes.values()];
}

/** Asked at once: for runs without files, of which there may be very many, the thread pool takes ten times as long. */
function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}
