import type { FastifyRequest } from 'fastify';
import type { Edge, OfRun, Routes } from './answers/edge.ts';
import {
  ArchiveQuery,
  archiveAnswers,
  FilesQuery,
  fileAnswers,
  listAnswers,
  listTree,
  liveTree,
  serveTreeArchive,
  serveTreeFile,
} from './trees.ts';
import { reportOf } from './worker-report.ts';

const tags = ['files'];
const listSchema = {
  operationId: 'listFiles',
  tags,
  summary: 'What is in the working directory of a run, while it runs and until it is deleted',
  description: 'Of a directory that the server made for the run. What is no file is told and never opened.',
  querystring: FilesQuery,
  response: listAnswers,
};
const fileSchema = {
  operationId: 'getFile',
  tags,
  summary: 'The bytes of a file in the working directory of a run',
  response: fileAnswers,
};
const archiveSchema = {
  operationId: 'getArchive',
  tags,
  summary: 'The working directory of a run as a tar, a tar in gzip or a zip, made as it is read',
  querystring: ArchiveQuery,
  response: archiveAnswers,
};

/** What a run has in its directory, by path. */
export const filesRoutes: Routes = (app, edge) => {
  const { engine } = edge;
  const treeOf = (id: string) => liveTree(engine.workFiles(id));
  app.get<OfRun & { Querystring: FilesQuery }>(
    '/invocations/:id/files',
    { schema: listSchema, config: { access: 'token-or-claim' } },
    async (request) => {
      const { id } = request.params;
      await mayRead(edge, request);
      return engine.readingFiles(id, async () => listTree(treeOf(id), request.query));
    },
  );
  app.get<{ Params: { id: string; '*': string } }>(
    '/invocations/:id/files/*',
    { schema: fileSchema, config: { access: 'token-or-claim' } },
    async (request, reply) => {
      const { id, '*': path } = request.params;
      await mayRead(edge, request);
      await engine.readingFiles(id, async () => serveTreeFile(edge, treeOf(id), path, request, reply));
    },
  );
  app.get<OfRun & { Querystring: ArchiveQuery }>(
    '/invocations/:id/archive',
    { schema: archiveSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id } = request.params;
      await engine.readingFiles(id, async () => serveTreeArchive(edge, treeOf(id), id, request, reply));
    },
  );
};

/** A worker reads the files of its run as long as it holds it. */
async function mayRead(edge: Edge, request: FastifyRequest<OfRun>): Promise<void> {
  if (!request.isTrusted) await (await reportOf(edge, request)).working();
}
