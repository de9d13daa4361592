import { createHash, type Hash, hash } from 'node:crypto';
import { closeSync } from 'node:fs';
import type { StreamFacts } from '../documents/outcome.ts';
import { type Channel, type GapReason, isOfSetup, type Phase } from '../documents/stream.ts';
import type { RecordedCapture } from './earlier.ts';

/** One channel as it is being captured. Bytes. */
export interface Capture {
  readonly channel: Channel;
  /** Null until there are bytes to keep. */
  fd: number | null;
  kept: number;
  /** Bytes that an event has told of. */
  told: number;
  /** Bytes that are not kept and that a gap has told of. */
  gapped: number;
  /** Bytes after those that are not kept and that nothing has told of yet. */
  dropped: number;
  droppedFor: GapReason;
  /** Of the bytes told of. */
  hash: Hash | null;
  /** The bytes between `told` and `kept`: the beginning of a character. */
  held: Buffer;
  /** Of what came last. */
  phase: Phase;
}

const EMPTY = Buffer.alloc(0);
const EMPTY_SHA256 = hash('sha256', '');

export function newCapture(channel: Channel, recorded?: RecordedCapture): Capture {
  const { kept = 0, told = 0, gapped = 0, hash = null, phase } = recorded ?? {};
  return {
    channel,
    fd: null,
    kept,
    told,
    gapped,
    dropped: 0,
    droppedFor: 'output_limit',
    hash,
    held: EMPTY,
    phase: phase ?? (isOfSetup(channel) ? 'setup' : 'command'),
  };
}

/** What has been captured until now. */
export function captureFacts(capture: Capture): StreamFacts {
  const { hash, held } = capture;
  return factsOf(capture, hash === null && held.length === 0 ? null : (hash?.copy() ?? createHash('sha256')));
}

/** It is opened again when more comes. */
export function closeFile(capture: Capture): void {
  if (capture.fd !== null) closeSync(capture.fd);
  capture.fd = null;
}

/** Close the file. Nothing may be written any more. */
export function closeCapture(capture: Capture): StreamFacts {
  closeFile(capture);
  return factsOf(capture, capture.hash);
}

function factsOf({ kept, gapped, dropped, droppedFor, held }: Capture, digest: Hash | null): StreamFacts {
  if (held.length > 0) digest?.update(held);
  return {
    bytes: kept + gapped + dropped,
    kept,
    sha256: digest?.digest('hex') ?? EMPTY_SHA256,
    ...(dropped > 0 && { gap: { offset: kept + gapped, length: dropped, reason: droppedFor } }),
  };
}
