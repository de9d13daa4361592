import { z } from 'zod';
import type { OfRun, Routes } from './answers/edge.ts';
import { problems } from './answers/schemas.ts';

const CallbackQuery = z.strictObject({
  token: z.string().min(1).max(256).describe('As the callback address has it'),
});
const CallbackBody = z
  .unknown()
  .describe('What an answer to a poll would be, of any media type; anything else makes the run poll now');
type CallbackRequest = OfRun & { Querystring: z.infer<typeof CallbackQuery>; Body: string | undefined };

const callbackSchema = {
  operationId: 'callBack',
  tags: ['control'],
  summary: 'News of a run by the backend that does its work',
  description: 'Needs no Authorization: the address itself, signed for one run, is the proof.',
  querystring: CallbackQuery,
  body: CallbackBody,
  response: { 204: z.undefined().describe('Taken, or too late to matter'), ...problems },
};

export const callbackRoutes: Routes = (root, { engine }) => {
  // A scope of its own: here a body of any type is taken, and whether it is JSON is for the kind to see.
  root.register(async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
      body.toString('utf8'),
    );
    app.post<CallbackRequest>(
      '/invocations/:id/callback',
      {
        schema: callbackSchema,
        config: { access: 'callback-token', anyContent: true },
        // As much as an answer to a poll may have.
        bodyLimit: 16 * 1024 * 1024,
      },
      async (request, reply) => {
        await engine.callback(request.params.id, request.query.token, request.body ?? '');
        return reply.code(204).send();
      },
    );
  });
};
