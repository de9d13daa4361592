import { z } from 'zod';

export const RESOURCE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
export const NOT_A_RESOURCE_ID = 'must be 1 to 128 of A-Z a-z 0-9 . _ - and begin with a letter or a digit';

/** An id that a client may choose for a workspace or a snapshot: a name that is the same in any path. */
export const ResourceId = z.string().regex(RESOURCE_ID, { error: NOT_A_RESOURCE_ID });
