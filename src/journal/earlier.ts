import type { Hash } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import type { RunDirectory } from '../disk/run-directory.ts';
import {
  CHANNELS,
  type GapReason,
  type OfChannels,
  type Phase,
  setupMark,
  streamOf,
} from '../documents/stream.ts';
import { channelOfEntry, encodeEntry, type JournalEntry } from './journal.ts';
import { repairJournal } from './repair.ts';
import { type NoteReader, type Survey, survey } from './survey.ts';
import type { Told } from './told.ts';

/** What an earlier server recorded of a run, for a Recorder to go on with. */
export interface Recorded {
  /** Size of the journal. */
  position: number;
  nextSeq: number;
  captures: OfChannels<RecordedCapture>;
  /** An earlier release began it, with setup in the captures of the command: so it goes on. */
  sharesSetup: boolean;
  /** Lines of the journal were damaged or did not follow the one before; they and all after them are gone. */
  cut: boolean;
}

/** One capture as it is after its repair. Bytes. */
export interface RecordedCapture {
  /** In the file. */
  kept: number;
  /** That events have told of. */
  told: number;
  /** That gaps have told of: they came after those kept. */
  gapped: number;
  /** That are known to have come after all these, and that nothing has told of: to be told when those untold were. */
  lost: { length: number; reason: GapReason }[];
  /** The storage did not keep all that was captured. */
  damaged: boolean;
  /** Of what was told of last. */
  phase: Phase;
  /** Of the bytes told of. */
  hash: Hash;
}

export interface EarlierOptions {
  onNote?: NoteReader;
  /** The machine restarted since: of what was written last, the disk may have anything. */
  rebooted?: boolean;
}

const CUT = 'the journal was damaged here: events that followed were lost';

/**
 * Read what was recorded, and repair it. Nothing is made up: the journal is cut at its last whole line that follows the
 * one before; an event whose bytes the capture does not have becomes a gap, and so do all that follow it in the channel.
 * Captured bytes that no event tells of are kept to be told of, unless the machine restarted: then nothing vouches
 * for them, and they are cut off and counted as lost. Null when nothing was recorded.
 */
export async function readEarlier(
  directory: RunDirectory,
  firstSeq: number,
  { onNote = () => null, rebooted = false }: EarlierOptions = {},
): Promise<Recorded | null> {
  const found = await survey(directory, firstSeq, onNote);
  if (found === null) return null;
  const { stdout, stderr, setup_stdout, setup_stderr } = found.streams;
  const captures = {
    ...{ stdout: settle(stdout, rebooted), stderr: settle(stderr, rebooted) },
    ...(setup_stdout && { setup_stdout: settle(setup_stdout, rebooted) }),
    ...(setup_stderr && { setup_stderr: settle(setup_stderr, rebooted) }),
  };
  return repair(directory, found, captures);
}

/** What of a capture is kept: nothing that no event vouches for where that is in doubt, and nothing behind a gap. */
function settle({ capture, captured, claimed, ...told }: Told, rebooted: boolean): RecordedCapture {
  const { sound, hash, broken } = capture;
  const kept = broken || rebooted || told.gapped > 0 ? sound : captured;
  const gapped = told.gapped + told.told - sound;
  const missing = Math.max(0, Math.max(claimed, captured) - kept - gapped);
  const overLimit = Math.min(missing, Math.max(0, told.overLimit));
  const lost = [
    { length: missing - overLimit, reason: 'storage' as const },
    { length: overLimit, reason: 'output_limit' as const },
  ].filter(({ length }) => length > 0);
  return {
    ...{ kept, told: sound, gapped, lost, hash, phase: told.phase },
    damaged: broken || told.repaired || missing > overLimit,
  };
}

/** Make the files say so. The journal first: a crash in between must not forget what was lost. */
async function repair(
  directory: RunDirectory,
  { size, whole, nextSeq, firstLost, cut, notes, streams, sharesSetup }: Survey,
  captures: OfChannels<RecordedCapture>,
): Promise<Recorded> {
  const added = [...(cut ? [cutAt(nextSeq)] : []), ...tellLost(captures, nextSeq + (cut ? 1 : 0))];
  let position = whole;
  if (firstLost !== null || added.length > 0)
    position = await repairJournal(directory.journal, {
      ...{ from: firstLost ?? whole, to: whole },
      added: [...added.map(encodeEntry), ...notes],
      isLost: (entry) => entry.offset >= (streams[channelOfEntry(entry)]?.capture.sound ?? 0),
    });
  else if (size !== null && size > position) await truncate(directory.journal, position);
  for (const channel of CHANNELS) {
    const kept = captures[channel]?.kept ?? 0;
    if ((streams[channel]?.size ?? 0) > kept) await truncate(directory[channel], kept);
  }
  return { position, nextSeq: nextSeq + added.length, captures, sharesSetup, cut };
}

function cutAt(seq: number): JournalEntry {
  return { seq, time: Date.now(), type: 'progress', message: CUT };
}

/** Gaps for what was lost, of channels that have nothing left to be told before: from then on these are told of. */
function tellLost(captures: OfChannels<RecordedCapture>, firstSeq: number): JournalEntry[] {
  const gaps: JournalEntry[] = [];
  for (const channel of CHANNELS) {
    const capture = captures[channel];
    if (capture === undefined || capture.told < capture.kept) continue;
    const stream = streamOf(channel);
    for (const { length, reason } of capture.lost.splice(0)) {
      const head = { seq: firstSeq + gaps.length, time: Date.now() };
      const offset = capture.kept + capture.gapped;
      gaps.push({ ...head, type: 'gap', stream, offset, length, reason, ...setupMark(channel) });
      capture.gapped += length;
    }
  }
  return gaps;
}
