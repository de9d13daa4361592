import { z } from 'zod';
import { Record } from '../src/documents/record.ts';
import { isFinal } from '../src/documents/result.ts';
import type { OfRun, Routes } from './answers/edge.ts';
import { recordAnswer } from './answers/record.ts';
import { json, problems } from './answers/schemas.ts';

const CancelBody = z
  .strictObject({
    grace_seconds: z.number().nonnegative().max(1e9).optional().describe('Between SIGTERM and SIGKILL'),
  })
  .nullish();

const cancelSchema = {
  operationId: 'cancelInvocation',
  tags: ['control'],
  summary: 'Ask a run to stop; again changes nothing',
  body: CancelBody,
  response: {
    200: json('The run had already finished and is unchanged', Record),
    202: json('The run is being stopped, or was queued and has ended', Record),
    ...problems,
  },
};

export const cancelRoutes: Routes = (app, edge) => {
  app.post<OfRun & { Body: z.infer<typeof CancelBody> }>(
    '/invocations/:id/cancel',
    { schema: cancelSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id } = request.params;
      reply.code(edge.engine.cancel(id, request.body?.grace_seconds) ? 202 : 200);
      return recordAnswer(edge, id, isFinal(edge.engine.status(id)), reply);
    },
  );
};
