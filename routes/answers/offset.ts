import { z } from 'zod';
import { fieldRefusal } from '../../src/documents/field-errors.ts';
import type { Channel } from '../../src/documents/stream.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { withFileBytes } from '../../src/files/file-bytes.ts';
import { decimal } from '../requests/query.ts';
import type { ByteSource } from './bytes.ts';

/** Where a client goes on that has the bytes before: unlike a Range it goes with `follow`. */
export const Offset = decimal(z.number().int().min(0))
  .default(0)
  .describe('byte at which to begin, also of what is still to come; more than there are now is 400');

/** The bytes from this one on: they have a tag of their own, and the hash is not theirs. */
export function startingAt(source: ByteSource, offset: number): ByteSource {
  if (offset === 0) return source;
  expectOffset(offset, source.size);
  const { sha256: _, etag, size, read, ...rest } = source;
  return {
    ...rest,
    size: size - offset,
    etag: etag && `${etag.slice(0, -1)}+${offset}"`,
    read: (start, end) => read(start + offset, end + offset),
  };
}

/** Of a run that goes on. Throws bad_request, naming `offset`. */
export async function expectWithin(
  directory: ReturnType<Engine['directory']>,
  channels: readonly Channel[],
  offset: number,
): Promise<void> {
  if (offset === 0) return;
  let bytes = 0;
  for (const channel of channels)
    bytes += await withFileBytes(directory[channel], async (file) => file?.size ?? 0);
  expectOffset(offset, bytes);
}

/** Who has more has bytes of another run, or such as a power cut took. Throws bad_request. */
function expectOffset(offset: number, bytes: number): void {
  if (offset > bytes)
    throw fieldRefusal('bad_request', [
      { path: 'offset', message: `is ahead of the output, which has ${bytes} bytes: read from the start` },
    ]);
}
