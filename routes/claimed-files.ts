import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { pathOf } from '../src/documents/invocation-id.ts';
import type { Edge, Routes } from './answers/edge.ts';
import { drain } from './requests/body-bytes.ts';
import { BYTES_TYPE } from './requests/negotiation.ts';
import {
  DeleteQuery,
  deleteAnswers,
  deleteFromTree,
  locationOf,
  PUT_WORDS,
  PutQuery,
  putAnswers,
  putIntoTree,
  streamBodies,
} from './tree-changes.ts';
import { reportOf } from './worker-report.ts';

const tags = ['workers'];
const putSchema = {
  operationId: 'putClaimedFile',
  tags,
  summary: 'Put a file into the directory of a claimed run, or replace it',
  description: `${PUT_WORDS} Renews the lease as it comes.`,
  querystring: PutQuery,
  response: putAnswers,
};
const deleteSchema = {
  operationId: 'deleteClaimedFile',
  tags,
  summary: 'Delete a file, a link or a directory in the directory of a claimed run',
  querystring: DeleteQuery,
  response: deleteAnswers,
};

interface OfFile {
  Params: { id: string; '*': string };
}

/** A worker changes the files of the run that it holds: those of its workspace, or of its own directory. */
export const claimedFilesRoutes: Routes = (root, edge) => {
  const { engine } = edge;
  root.delete<OfFile & { Querystring: z.infer<typeof DeleteQuery> }>(
    '/invocations/:id/files/*',
    { schema: deleteSchema, config: { access: 'claim-token' } },
    async (request, reply) => {
      const { id, '*': path } = request.params;
      const heard = await (await reportOf(edge, request)).working();
      await deleteFromTree(edge, (change) => engine.changingFiles(id, change), path, request, heard);
      return reply.code(204).send();
    },
  );
  root.register(async (app) => putRoute(app, edge));
};

function putRoute(app: FastifyInstance, edge: Edge): void {
  streamBodies(app);
  app.put<OfFile & { Querystring: z.infer<typeof PutQuery>; Body: Readable | undefined }>(
    '/invocations/:id/files/*',
    { schema: putSchema, config: { access: 'claim-token', takesFile: true, bytesOf: [BYTES_TYPE] } },
    async (request, reply) => {
      const { id, '*': path } = request.params;
      try {
        const heard = await (await reportOf(edge, request)).working();
        const { made, etag } = await putIntoTree(
          edge,
          (change) => edge.engine.changingFiles(id, change),
          path,
          request,
          heard,
        );
        reply.header('etag', etag);
        if (made) reply.header('location', locationOf(pathOf(id), path));
        return reply.code(made ? 201 : 204).send();
      } catch (error) {
        // Many clients read the answer only when all they have to say was taken.
        if (request.body) drain(request.body);
        throw error;
      }
    },
  );
}
