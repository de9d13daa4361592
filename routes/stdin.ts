import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { OfRun, Routes } from './answers/edge.ts';
import { problems } from './answers/schemas.ts';
import { BYTES_TYPE } from './requests/negotiation.ts';
import { Flag } from './requests/query.ts';

const StdinQuery = z.strictObject({ eof: Flag.describe('true: standard input is closed after these bytes') });
type StdinRequest = OfRun & { Querystring: z.infer<typeof StdinQuery>; Body: Readable | undefined };

const stdinSchema = {
  operationId: 'writeStdin',
  tags: ['control'],
  summary: 'Feed standard input',
  description:
    'The body, of any media type and length, goes to standard input as it arrives and no faster than the program reads.',
  querystring: StdinQuery,
  response: { 204: z.undefined().describe('All bytes were taken'), ...problems },
};

export const stdinRoutes: Routes = (root, { engine }) => {
  // A scope of its own: here bodies are streams, and the limit of JSON bodies does not hold.
  root.register(async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

    const options = {
      schema: stdinSchema,
      config: { access: 'token', streamsBody: true, bytesOf: [BYTES_TYPE] } as const,
    };
    app.post<StdinRequest>('/invocations/:id/stdin', options, async (request, reply) => {
      const { id } = request.params;
      engine.status(id); // an unknown run is told before the body is read
      await feed(request.body, (chunk) => engine.writeStdin(id, chunk));
      if (request.query.eof === 'true') await engine.closeStdin(id);
      return reply.code(204).send();
    });
  });
};

async function feed(body: Readable | undefined, write: (chunk: Buffer) => Promise<void>): Promise<void> {
  if (body === undefined) return;
  try {
    // Leaving the loop early must not destroy the socket: the answer still goes out on it.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) await write(chunk);
  } catch (error) {
    // Many clients read the answer only when all they have to say was taken.
    body.resume();
    throw error;
  }
}
