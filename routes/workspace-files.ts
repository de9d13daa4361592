import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RunwireError } from '../src/documents/errors.ts';
import { fieldRefusal } from '../src/documents/field-errors.ts';
import { putFile, remove } from '../src/files/edit.ts';
import { unpackInto } from '../src/files/exchange.ts';
import { BadName, partsOf } from '../src/files/names.ts';
import { NoDirectory } from '../src/files/scan.ts';
import { BadArchive } from '../src/files/unpack.ts';
import { InTheWay } from '../src/files/way.ts';
import { nothing } from './answers/bytes.ts';
import type { Edge, OfWorkspace, Routes } from './answers/edge.ts';
import { identityTag } from './answers/live-bytes.ts';
import { json, problems } from './answers/schemas.ts';
import { mayChange } from './requests/preconditions.ts';
import { Flag } from './requests/query.ts';
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
const ARCHIVES = ['application/x-tar', 'application/gzip', 'application/zip', 'application/octet-stream'];

const PutQuery = z.strictObject({
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, { error: 'must be permission bits in octal: 0644' })
    .optional()
    .describe('Default: that of the file which it replaces, else 0644'),
});
const DeleteQuery = z.strictObject({
  recursive: Flag.describe('true: a directory goes with all that is in it'),
});
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
  description:
    'The body is the file, of any media type and length. Who reads it sees the old or the new. A link is replaced and ' +
    'never followed; directories on the way are made. Headers: If-Match, If-None-Match.',
  querystring: PutQuery,
  response: {
    201: z.undefined().describe('It is made; ETag is the one that GET gives'),
    204: z.undefined().describe('It is replaced'),
    ...problems,
  },
};
const deleteSchema = {
  operationId: 'deleteWorkspaceFile',
  tags,
  summary: 'Delete a file, a link or a directory of a workspace',
  querystring: DeleteQuery,
  response: { 204: z.undefined().describe('Deleted'), ...problems },
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
      const { headers, query } = request;
      const missing = new RunwireError('file_not_found', `There is nothing at ${JSON.stringify(path)} here.`);
      const judge = (current: Stats) => mayChange(headers, current && { etag: tagOf(current) });
      const parts = partsOrNull(path);
      const removed = await workspaces.changing(id, async (tree) =>
        parts === null
          ? false
          : told(remove(tree, parts, { recursive: query.recursive === 'true', judge, sync: edge.sync })),
      );
      if (!removed && headers['if-match'] !== undefined) mayChange(headers, null);
      if (!removed) throw missing;
      return reply.code(204).send();
    },
  );
  root.register(async (app) => putRoute(app, edge));
  root.register(async (app) => unpackRoute(app, edge));
};

/** In a scope of its own: here a body is a stream, and the limit of JSON bodies does not hold. */
function putRoute(app: FastifyInstance, { workspaces, uploadCaps: caps, sync }: Edge): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

  app.put<OfFile & { Querystring: z.infer<typeof PutQuery>; Body: Readable | undefined }>(
    '/workspaces/:workspace_id/files/*',
    { schema: putSchema, config: { access: 'token', takesFile: true } },
    async (request, reply) => {
      const { workspace_id: id, '*': path } = request.params;
      const { headers, query } = request;
      const { made, stats } = await takingBody(request, (body) =>
        workspaces.changing(id, async (tree) => {
          if (path.endsWith('/')) throw new BadName(path, 'ends with a slash: it is no name of a file');
          return putFile(tree, partsOf(path), body?.iterator({ destroyOnReturn: false }) ?? nothing(), {
            mode: query.mode === undefined ? undefined : Number.parseInt(query.mode, 8),
            judge: (current) => mayChange(headers, current && { etag: tagOf(current) }),
            length: Number(headers['content-length'] ?? 0),
            ...{ caps, sync },
          });
        }),
      );
      reply.header('etag', identityTag({ stats }));
      if (made) reply.header('location', locationOf(id, path));
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
    done(new RunwireError('unsupported_media_type', `The body must be one of ${ARCHIVES.join(', ')}.`));
  });

  app.post<OfWorkspace & { Querystring: z.infer<typeof UnpackQuery>; Body: Readable | undefined }>(
    '/workspaces/:workspace_id/files',
    { schema: unpackSchema, config: { access: 'token', takesFile: true } },
    async (request) => {
      const { workspace_id: id } = request.params;
      const { path } = request.query;
      return takingBody(request, (body) =>
        workspaces.changing(id, async (tree) => {
          const into = path === undefined ? [] : intoOf(path);
          // Destroyed where the archive is none; the connection must outlive that, for the answer.
          const source = Readable.from(body?.iterator({ destroyOnReturn: false }) ?? [], {
            objectMode: false,
          });
          return unpackInto(tree, into, source, { caps, sync });
        }),
      );
    },
  );
}

type Stats = Parameters<Parameters<typeof remove>[2]['judge']>[0];

/** That of what is no file is none. */
const tagOf = (stats: NonNullable<Stats>): string | null => (stats.isFile() ? identityTag({ stats }) : null);

async function takingBody<T>(
  { body }: FastifyRequest<{ Body: Readable | undefined }>,
  take: (body: Readable | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await told(take(body));
  } catch (error) {
    // Many clients read the answer only when all they have to say was taken.
    body?.resume();
    throw error;
  }
}

/** What went wrong with a change, as a client is told of it. */
async function told<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof BadName)
      throw fieldRefusal('invalid_field', [{ path: error.path, message: error.message }]);
    if (error instanceof InTheWay)
      throw fieldRefusal('file_conflict', [{ path: error.path, message: error.message }]);
    if (error instanceof BadArchive)
      throw fieldRefusal('invalid_field', [{ path: '', message: error.message }]);
    if (error instanceof NoDirectory)
      throw new RunwireError('file_conflict', 'The directory is not there any more.', { cause: error });
    throw error;
  }
}

function partsOrNull(path: string): string[] | null {
  try {
    return partsOf(path);
  } catch {
    return null; // nothing has such a name
  }
}

function intoOf(path: string): string[] {
  try {
    return /^(?:\.\/*)+$/.test(path) ? [] : partsOf(path);
  } catch (error) {
    if (!(error instanceof BadName)) throw error;
    throw fieldRefusal('bad_request', [{ path: 'path', message: error.message }]);
  }
}

const locationOf = (id: string, path: string): string =>
  `/workspaces/${id}/files/${path.split('/').map(encodeURIComponent).join('/')}`;
