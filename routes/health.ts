import { z } from 'zod';
import type { Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';

const Health = z.strictObject({ status: z.literal('ok') });
const Readiness = z.strictObject({
  ready: z.boolean(),
  reason: z.string().nullable(),
  running: z.number().int().optional(),
  queued: z.number().int().optional(),
  recovery: z
    .strictObject({
      queued: z.number().int().describe('Waited for a place, and wait again'),
      resumed: z.number().int().describe('Ran, and are resumed, or had ended in a way that was learnt'),
      lost: z.number().int().describe('Ran, and nobody knows how they ended'),
      still_recovering: z.number().int().describe('Ran, and are still being looked for'),
    })
    .optional()
    .describe('Runs that an earlier server left unfinished; new ones are taken meanwhile'),
});

/** Load balancers ask under any name, and a kubelet has no token. */
const PROBE = { access: 'open', anyHost: true } as const;

const tags = ['server'];
const healthSchema = {
  operationId: 'getHealth',
  tags,
  summary: 'The process answers; needs no token',
  response: { 200: json('It does', Health), ...problems },
};
const readySchema = {
  operationId: 'getReadiness',
  tags,
  summary: 'Would a new run be taken; needs no token',
  description: 'How many runs there are is told to who has the token, where the server has one.',
  response: {
    200: json('Yes', Readiness),
    503: json('No: draining, a queue is full, or the storage takes nothing more', Readiness),
    ...problems,
  },
};
export const healthRoutes: Routes = (app, { engine }) => {
  app.get('/healthz', { schema: healthSchema, config: PROBE }, async () => ({ status: 'ok' }));

  app.get('/readyz', { schema: readySchema, config: PROBE }, async (request, reply) => {
    const { recovery, ...readiness } = engine.readiness();
    const { ready, reason } = readiness;
    if (!ready) reply.code(503).header('retry-after', '1');
    if (!request.isTrusted) return { ready, reason };
    const { stillRecovering, ...recovered } = recovery;
    return { ...readiness, recovery: { ...recovered, still_recovering: stillRecovering } };
  });
};
