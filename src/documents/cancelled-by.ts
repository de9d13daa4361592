import { z } from 'zod';

/**
 * Who had a run cancelled: `client` by a request, `shutdown` the server that was stopped, `backend` the service that did
 * the work, `worker` who did it by hand, `session` the one that it was in, which was closed.
 */
export const CANCELLERS = ['client', 'shutdown', 'backend', 'worker', 'session'] as const;
export type Canceller = (typeof CANCELLERS)[number];

export const CancelledBy = z.strictObject({ by: z.enum(CANCELLERS) });
export type CancelledBy = z.infer<typeof CancelledBy>;
