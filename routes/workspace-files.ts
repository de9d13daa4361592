import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { RunwireError } from '../src/documents/errors.ts';
import { fieldRefusal } from '../src/documents/field-errors.ts';
import { unpackInto } from '../src/files/exchange.ts';
import { BadName, partsOf } from '../src/files/names.ts';
import { nothing } from './answers/bytes.ts';
import type { Edge, OfWorkspace, Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';
import { bodyBytes } from './requests/body-bytes.ts';
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
  takingBody,
} from './tree-changes.ts';
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

/** What an archive may be said to be; its bytes say what it is. */
const ARCHIVES = ['application/x-tar', 'application/gzip', 'application/zip', BYTES_TYPE];

const UnpackQuery = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe('Directory to unpack below, which is made. Default: the workspace'),
});
const Unpacked = z.strictObject({
  files: z.number().int().describe('Regular files that came'),
  bytes: z.number().int().describe('Sum of their sizes'),
});

const tags = ['workspaces'];
const listSchema = {
  operationId: 'listWorkspaceFiles',
  tags,
  summary: 'What is in a workspace, as it is now',
  description: 'What is no file is told and never opened.',
  querystring: FilesQuery,
  response: listAnswers,
};
const fileSchema = {
  operationId: 'getWorkspaceFile',
  tags,
  summary: 'The bytes of a file in a workspace',
  response: fileAnswers,
};
const archiveSchema = {
  operationId: 'getWorkspaceArchive',
  tags,
  summary: 'A workspace as a tar, a tar in gzip or a zip, made as it is read',
  querystring: ArchiveQuery,
  response: archiveAnswers,
};
const putSchema = {
  operationId: 'putWorkspaceFile',
  tags,
  summary: 'Put a file into a workspace, or replace it',
  description: PUT_WORDS,
  querystring: PutQuery,
  response: putAnswers,
};
const deleteSchema = {
  operationId: 'deleteWorkspaceFile',
  tags,
  summary: 'Delete a file, a link or a directory of a workspace',
  querystring: DeleteQuery,
  response: deleteAnswers,
};
const unpackSchema = {
  operationId: 'unpackIntoWorkspace',
  tags,
  summary: 'Unpack an archive into a workspace',
  description:
    'The body is a tar, a tar in gzip or a zip, told by its bytes. Files that are there are replaced, each at once; what ' +
    'the archive does not have stays. One that is refused changes nothing.',
  querystring: UnpackQuery,
  response: { 200: json('It is unpacked', Unpacked), ...problems },
};

interface OfFile {
  Params: { workspace_id: string; '*': string };
}

/** What is in a workspace, by path. */
export const workspaceFilesRoutes: Routes = (root, edge) => {
  const { workspaces } = edge;
  const treeOf = (id: string) => liveTree(workspaces.tree(id));

  root.get<OfWorkspace & { Querystring: FilesQuery }>(
    '/workspaces/:workspace_id/files',
    { schema: listSchema, config: { access: 'token' } },
    async ({ params: { workspace_id: id }, query }) =>
      workspaces.reading(id, async () => listTree(treeOf(id), query)),
  );
  root.get<OfFile>(
    '/workspaces/:workspace_id/files/*',
    { schema: fileSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { workspace_id: id, '*': path } = request.params;
      await workspaces.reading(id, async () => serveTreeFile(edge, treeOf(id), path, request, reply));
    },
  );
  root.get<OfWorkspace & { Querystring: ArchiveQuery }>(
    '/workspaces/:workspace_id/archive',
    { schema: archiveSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { workspace_id: id } = request.params;
      await workspaces.reading(id, async () => serveTreeArchive(edge, treeOf(id), id, request, reply));
    },
  );
  root.delete<OfFile & { Querystring: z.infer<typeof DeleteQuery> }>(
    '/workspaces/:workspace_id/files/*',
    { schema: deleteSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { workspace_id: id, '*': path } = request.params;
      await deleteFromTree(edge, (change) => workspaces.changing(id, change), path, request);
      return reply.code(204).send();
    },
  );
  root.register(async (app) => putRoute(app, edge));
  root.register(async (app) => unpackRoute(app, edge));
};

/** In a scope of its own: here a body is a stream, and the limit of JSON bodies does not hold. */
function putRoute(app: FastifyInstance, edge: Edge): void {
  const { workspaces } = edge;
  streamBodies(app);

  app.put<OfFile & { Querystring: z.infer<typeof PutQuery>; Body: Readable | undefined }>(
    '/workspaces/:workspace_id/files/*',
    { schema: putSchema, config: { access: 'token', takesFile: true, bytesOf: [BYTES_TYPE] } },
    async (request, reply) => {
      const { workspace_id: id, '*': path } = request.params;
      const { made, etag } = await putIntoTree(
        edge,
        (change) => workspaces.changing(id, change),
        path,
        request,
      );
      reply.header('etag', etag);
      if (made) reply.header('location', locationOf(`/workspaces/${id}`, path));
      return reply.code(made ? 201 : 204).send();
    },
  );
}

function unpackRoute(app: FastifyInstance, { workspaces, uploadCaps: caps, sync }: Edge): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', ({ headers }, payload, done) => {
    const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    const isEmpty = headers['content-length'] === '0';
    if (type === undefined || isEmpty || ARCHIVES.includes(type)) return done(null, payload);
    const words = `Content-Type must be one of ${ARCHIVES.join(', ')}, and is ${type}.`;
    done(new RunwireError('unsupported_media_type', words));
  });

  app.post<OfWorkspace & { Querystring: z.infer<typeof UnpackQuery>; Body: Readable | undefined }>(
    '/workspaces/:workspace_id/files',
    { schema: unpackSchema, config: { access: 'token', takesFile: true, bytesOf: ARCHIVES } },
    async (request) => {
      const { workspace_id: id } = request.params;
      const { path } = request.query;
      return takingBody(request, (body) =>
        workspaces.changing(id, async (tree) => {
          const into = path === undefined ? [] : intoOf(path);
          return unpackInto(tree, into, body ? bodyBytes(body) : nothing(), { caps, sync });
        }),
      );
    },
  );
}

function intoOf(path: string): string[] {
  try {
    return /^(?:\.\/*)+$/.test(path) ? [] : partsOf(path);
  } catch (error) {
    if (!(error instanceof BadName)) throw error;
    throw fieldRefusal('bad_request', [{ path: 'path', message: error.message }]);
  }
}
