import { constants } from 'node:os';
import { z } from 'zod';
import type { OfRun, Routes } from './answers/edge.ts';
import { problems } from './answers/schemas.ts';

const SignalBody = z.strictObject({
  signal: z
    .string()
    .regex(/^SIG[A-Z0-9]+$/, { error: 'must be the name of a signal, e.g. SIGINT', abort: true })
    .refine((name) => name in constants.signals, { error: 'is not a signal of this system' })
    .meta({ examples: ['SIGINT'] }),
});

const signalSchema = {
  operationId: 'sendSignal',
  tags: ['control'],
  summary: 'Send a signal to the whole process group',
  body: SignalBody,
  response: { 204: z.undefined().describe('The signal was sent'), ...problems },
};

export const signalsRoutes: Routes = (app, { engine }) => {
  app.post<OfRun & { Body: z.infer<typeof SignalBody> }>(
    '/invocations/:id/signals',
    { schema: signalSchema, config: { access: 'token' } },
    async (request, reply) => {
      await engine.signal(request.params.id, request.body.signal);
      return reply.code(204).send();
    },
  );
};
