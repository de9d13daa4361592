import { RunwireError } from '../../src/documents/errors.ts';
import type { Phase, Stream } from '../../src/documents/stream.ts';
import type { WorkerEvent } from '../../src/documents/worker-event.ts';

export type Step =
  | { type: Stream; bytes: Buffer; phase: Phase | undefined }
  | { type: 'progress'; entry: { message?: string; data?: unknown } };

/**
 * A batch, decoded and checked whole before anything of it is taken. Where an offset is given, bytes that
 * were taken already are dropped, so that a batch may be sent again. Throws invalid_field for an offset
 * behind which bytes are missing. `taken`: bytes of a stream that this claim has reported.
 */
export function readEvents(events: readonly WorkerEvent[], taken: (stream: Stream) => number): Step[] {
  const counts: Partial<Record<Stream, number>> = {};
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
    const have = counts[type] ?? taken(type);
    if (offset !== undefined && offset > have) throw hole(index, type, have);
    const bytes = offset === undefined ? all : all.subarray(Math.min(all.length, have - offset));
    counts[type] = have + bytes.length;
    return { type, bytes, phase };
  });
}

function hole(index: number, stream: Stream, have: number): RunwireError {
  const message = `${stream} was reported up to byte ${have}: send what comes after it first`;
  return new RunwireError('invalid_field', `${index}.offset: ${message}`, {
    errors: [{ path: `${index}.offset`, message }],
  });
}
