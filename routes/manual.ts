import { z } from 'zod';
import { Claimed, ClaimRequest } from '../src/documents/claim.ts';
import type { Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';

const claimSchema = {
  operationId: 'claimRun',
  tags: ['workers'],
  summary: 'Take the next waiting manual run',
  description:
    'The oldest run that nobody has, to be worked on until the lease ends. Every report renews the lease; when it ' +
    'ends the run waits for the next worker, and what the late one still says is refused (409 claim_lost).',
  body: ClaimRequest.nullish(),
  response: {
    200: json('The run, and the claim to it', Claimed),
    204: z.undefined().describe('No run waits'),
    ...problems,
  },
};

export const manualRoutes: Routes = (app, { engine, exchanges }) => {
  app.post<{ Body: ClaimRequest | null | undefined }>(
    '/manual/claims',
    { schema: claimSchema, config: { access: 'token' } },
    async (request, reply) => {
      const claims = engine.claims();
      const signal = exchanges.watchTaker(reply.raw);
      const claimed = await claims.claim(request.body ?? {}, signal);
      if (claimed === null) return reply.code(204).send();
      if (signal.aborted) claims.giveBack(claimed);
      return claimed;
    },
  );
};
