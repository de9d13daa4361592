import { z } from 'zod';

/** An id that a client may choose for a workspace or a snapshot: a name that is the same in any path. */
export const ResourceId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, {
  error: 'must be 1 to 128 of A-Z a-z 0-9 . _ - and begin with a letter or a digit',
});
