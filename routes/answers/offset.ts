import { z } from 'zod';
import { fieldRefusal } from '../../src/documents/field-errors.ts';
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

/** Who has more has bytes of another run, or such as a power cut took. Throws bad_request. */
export function expectOffset(offset: number, bytes: number): void {
  if (offset > bytes)
    throw fieldRefusal('bad_request', [
      { path: 'offset', message: `is ahead of the output, which has ${bytes} bytes: read from the start` },
    ]);
}
