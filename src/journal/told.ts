import { byChannel, type CaptureFacts } from '../documents/outcome.ts';
import { CHANNELS, type Channel, isOfSetup, type OfChannels, type Phase } from '../documents/stream.ts';
import { CaptureCheck } from './capture-check.ts';
import { channelOfEntry, isOfChannel, type JournalEntry } from './journal.ts';

/** Bytes of one channel as the journal tells of them. */
export interface Told {
  capture: CaptureCheck;
  /** In the file. */
  size: number;
  /** Of these, what the run can have written. */
  captured: number;
  /** By output events. */
  told: number;
  gapped: number;
  /** The end of all that any line tells of. */
  claimed: number;
  /** Of these, that were more than was to be kept, and that no line that counts tells of. */
  overLimit: number;
  phase: Phase;
  /** An earlier repair gapped what was lost. */
  repaired: boolean;
}

export type ToldOf = OfChannels<Told>;

export function nothingTold(channel: Channel, path: string, size: number): Told {
  return {
    capture: new CaptureCheck(path, size),
    size,
    captured: size,
    told: 0,
    gapped: 0,
    claimed: 0,
    overLimit: 0,
    phase: isOfSetup(channel) ? 'setup' : 'command',
    repaired: false,
  };
}

/** What the writer itself said at its end. */
export function bound(channels: ToldOf, captures: CaptureFacts | null): void {
  if (captures === null) return;
  const facts = byChannel(captures);
  for (const channel of CHANNELS) {
    const said = facts[channel];
    if (said === undefined || (said.bytes === 0 && channels[channel] === undefined)) continue;
    const told = toldOf(channels, channel);
    const { bytes, kept, gap } = said;
    told.claimed = bytes;
    told.captured = Math.min(kept, told.size);
    told.overLimit = bytes - kept - (gap?.reason === 'storage' ? gap.length : 0) - told.gapped;
  }
}

/** An entry tells that there were bytes, also where it does not follow. */
export function claim(channels: ToldOf, entry: JournalEntry, isCut: boolean): void {
  if (!isOfChannel(entry)) return;
  const told = toldOf(channels, channelOfEntry(entry));
  told.claimed = Math.max(told.claimed, entry.offset + entry.length);
  if (isCut && entry.type === 'gap' && entry.reason === 'output_limit') told.overLimit += entry.length;
}

/** No seq is left out or comes twice, nor does a byte; and nothing is kept behind a gap. */
export function follows(channels: ToldOf, seq: number, entry: JournalEntry): boolean {
  if (entry.seq !== seq) return false;
  if (!isOfChannel(entry)) return true;
  const { told, gapped } = toldOf(channels, channelOfEntry(entry));
  return entry.length > 0 && entry.offset === told + gapped && (entry.type === 'gap' || gapped === 0);
}

/** An entry that follows. False: the bytes of the event are lost. */
export async function take(channels: ToldOf, entry: JournalEntry): Promise<boolean> {
  if (!isOfChannel(entry)) return true;
  const told = toldOf(channels, channelOfEntry(entry));
  if (entry.type === 'gap') {
    told.gapped += entry.length;
    told.repaired ||= entry.reason === 'storage';
    return true;
  }
  told.told += entry.length;
  told.phase = entry.phase;
  return told.capture.next(entry.length, entry.sum);
}

/** A channel of setup may be told of and have no file: then there is none to open. */
function toldOf(channels: ToldOf, channel: Channel): Told {
  channels[channel] ??= nothingTold(channel, '', 0);
  return channels[channel];
}
