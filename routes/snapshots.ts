import { z } from 'zod';
import { ResourceId } from '../src/documents/resource-id.ts';
import { Snapshot } from '../src/documents/snapshot.ts';
import type { OfSnapshot, Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';
import { mayChange } from './requests/preconditions.ts';
import { PageQuery, pageOf } from './requests/query.ts';
import {
  ArchiveQuery,
  archiveAnswers,
  FilesQuery,
  fileAnswers,
  listAnswers,
  listTree,
  type ReadTree,
  serveTreeArchive,
  serveTreeFile,
} from './trees.ts';

const ListQuery = PageQuery.extend({
  workspace_id: ResourceId.optional().describe('Those that were taken of it'),
});

const tags = ['snapshots'];
const listSchema = {
  operationId: 'listSnapshots',
  tags,
  summary: 'Snapshots, newest first',
  querystring: ListQuery,
  response: {
    200: json('A page', z.strictObject({ items: z.array(Snapshot), next_cursor: z.string().nullable() })),
    ...problems,
  },
};
const getSchema = {
  operationId: 'getSnapshot',
  tags,
  summary: 'A snapshot: its digest, and how much is in it',
  response: { 200: json('The snapshot', Snapshot), ...problems },
};
const deleteSchema = {
  operationId: 'deleteSnapshot',
  tags,
  summary: 'Delete a snapshot; its contents go where no other has them',
  response: { 204: z.undefined().describe('Deleted'), ...problems },
};
const filesSchema = {
  operationId: 'listSnapshotFiles',
  tags,
  summary: 'What is in a snapshot',
  description: 'Each file with its sha256. All are as old as the snapshot: it has no times.',
  querystring: FilesQuery,
  response: listAnswers,
};
const fileSchema = {
  operationId: 'getSnapshotFile',
  tags,
  summary: 'The bytes of a file in a snapshot',
  response: fileAnswers,
};
const archiveSchema = {
  operationId: 'getSnapshotArchive',
  tags,
  summary: 'A snapshot as a tar, a tar in gzip or a zip',
  querystring: ArchiveQuery,
  response: archiveAnswers,
};

/** Trees as they were. */
export const snapshotsRoutes: Routes = (app, edge) => {
  const { snapshots } = edge;
  const treeOf = (id: string): ReadTree => ({
    digest: snapshots.get(id).digest,
    entries: (after) => snapshots.entries(id, after),
    find: async (parts) => {
      const entry = await snapshots.find(id, parts);
      return entry && { entry, close: () => {} };
    },
  });

  app.get<{ Querystring: z.infer<typeof ListQuery> }>(
    '/snapshots',
    { schema: listSchema, config: { access: 'token' } },
    async ({ query }) => {
      const { workspace_id: workspaceId } = query;
      return snapshots.list({ ...pageOf(query), ...(workspaceId !== undefined && { workspaceId }) });
    },
  );
  app.get<OfSnapshot>(
    '/snapshots/:snapshot_id',
    { schema: getSchema, config: { access: 'token' } },
    async ({ params }) => snapshots.get(params.snapshot_id),
  );
  app.delete<OfSnapshot>(
    '/snapshots/:snapshot_id',
    { schema: deleteSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { snapshot_id: id } = request.params;
      snapshots.get(id);
      mayChange(request.headers, { etag: null });
      await snapshots.remove(id);
      return reply.code(204).send();
    },
  );
  app.get<OfSnapshot & { Querystring: FilesQuery }>(
    '/snapshots/:snapshot_id/files',
    { schema: filesSchema, config: { access: 'token' } },
    async ({ params: { snapshot_id: id }, query }) =>
      snapshots.reading(id, async () => listTree(treeOf(id), query)),
  );
  app.get<{ Params: { snapshot_id: string; '*': string } }>(
    '/snapshots/:snapshot_id/files/*',
    { schema: fileSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { snapshot_id: id, '*': path } = request.params;
      await snapshots.reading(id, async () => serveTreeFile(edge, treeOf(id), path, request, reply));
    },
  );
  app.get<OfSnapshot & { Querystring: ArchiveQuery }>(
    '/snapshots/:snapshot_id/archive',
    { schema: archiveSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { snapshot_id: id } = request.params;
      await snapshots.reading(id, async () => serveTreeArchive(edge, treeOf(id), id, request, reply));
    },
  );
};
