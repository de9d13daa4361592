import { z } from 'zod';

const MAX_BYTES = 256;
const TOO_LONG = `must have at most ${MAX_BYTES} bytes of UTF-8`;

/**
 * Any id of RxP: what one line of text may have, in so many bytes of UTF-8. Nothing is made of it but what pathOf and
 * directoryName make; two ids are one only where their bytes are.
 */
export const InvocationId = z
  .string()
  .min(1)
  .max(MAX_BYTES, { error: TOO_LONG, abort: true })
  .regex(/^\P{Cc}*$/u, { error: 'must not contain control characters' })
  .regex(/^(?!\.{1,2}$)/, { error: 'must not be . or .., which URLs fold' })
  .refine((id) => id.isWellFormed(), { error: 'must be well-formed Unicode' })
  .refine((id) => Buffer.byteLength(id) <= MAX_BYTES, {
    error: TOO_LONG,
  });

/** Where a run is, relative to the server. */
export function pathOf(id: string): string {
  return `/invocations/${encodeURIComponent(id)}`;
}
