import type { RunOutput } from '../../src/contract/context.ts';
import { RunwireError } from '../../src/documents/errors.ts';
import { type Channel, isOfSetup, type Phase, type Stream, streamOf } from '../../src/documents/stream.ts';
import type { WorkerEvent } from '../../src/documents/worker-event.ts';

export type Step =
  | { type: Stream; bytes: Buffer; phase: Phase | undefined }
  | { type: 'progress'; entry: { message?: string; data?: unknown } };

/**
 * A batch, decoded and checked whole before anything of it is taken. Where an offset is given, bytes that
 * were taken already are dropped, so that a batch may be sent again. Throws invalid_field for an offset
 * behind which bytes are missing. `taken`: bytes of a channel that this claim has reported.
 */
export function readEvents(
  events: readonly WorkerEvent[],
  channelOf: (stream: Stream, phase?: Phase) => Channel,
  taken: (channel: Channel) => number,
): Step[] {
  const counts: Partial<Record<Channel, number>> = {};
  return events.map((event, index): Step => {
    if (event.type === 'progress') {
      const { message, data } = event;
      return {
        type: 'progress',
        entry: { ...(message !== undefined && { message }), ...(data !== undefined && { data }) },
      };
    }
    const { type, phase, offset } = event;
    const all =
      event.text === undefined ? Buffer.from(event.base64 ?? '', 'base64') : Buffer.from(event.text);
    const channel = channelOf(type, phase);
    const have = counts[channel] ?? taken(channel);
    if (offset !== undefined && offset > have) throw hole(index, channel, have);
    const bytes = offset === undefined ? all : all.subarray(Math.min(all.length, have - offset));
    counts[channel] = have + bytes.length;
    return { type, bytes, phase };
  });
}

/** Bytes of a channel that all claims have reported. */
export function capturedOf(output: Pick<RunOutput, 'channelOf' | 'captured'>, channel: Channel): number {
  const [stream, phase] = [streamOf(channel), isOfSetup(channel) ? ('setup' as const) : ('command' as const)];
  return output.channelOf(stream, phase) === channel ? output.captured(stream, phase).bytes : 0;
}

function hole(index: number, channel: Channel, have: number): RunwireError {
  const message = `${streamOf(channel)}${isOfSetup(channel) ? ' of the setup' : ''} was reported up to byte ${have}: send what comes after it first`;
  return new RunwireError('invalid_field', `${index}.offset: ${message}`, {
    errors: [{ path: `${index}.offset`, message }],
  });
}
