import { z } from 'zod';
import { Snapshot, SnapshotInput } from '../src/documents/snapshot.ts';
import { RestoreInput, Workspace } from '../src/documents/workspace.ts';
import type { OfWorkspace, Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';
import { Flag, PageQuery, pageOf } from './requests/query.ts';

const TakeQuery = z.strictObject({
  while_running: Flag.describe(
    'true: also while a run is in it; files that change meanwhile may be left out',
  ),
});
const TakeBody = SnapshotInput.nullish().meta({ examples: [{ snapshot_id: 'before', ignore: ['**/*.o'] }] });
const NoBody = z.strictObject({}).nullish();

const tags = ['snapshots'];
const takeSchema = {
  operationId: 'takeSnapshot',
  tags,
  summary: 'Keep what is in a workspace now',
  querystring: TakeQuery,
  body: TakeBody,
  response: {
    200: json('It was taken by the same request before', Snapshot),
    201: json('It is taken', Snapshot),
    ...problems,
  },
};
const listSchema = {
  operationId: 'listWorkspaceSnapshots',
  tags,
  summary: 'Snapshots of a workspace, newest first',
  querystring: PageQuery,
  response: {
    200: json('A page', z.strictObject({ items: z.array(Snapshot), next_cursor: z.string().nullable() })),
    ...problems,
  },
};
const restoreSchema = {
  operationId: 'restoreWorkspace',
  tags,
  summary: 'Make a workspace what a snapshot is',
  body: RestoreInput.meta({ examples: [{ snapshot_id: 'before' }] }),
  response: { 200: json('It is done', Workspace), ...problems },
};
const resetSchema = {
  operationId: 'resetWorkspace',
  tags,
  summary: 'Make a workspace what it was when it was made',
  description: 'Back to `base_snapshot`. One that began empty has none: it is emptied.',
  body: NoBody,
  response: { 200: json('It is done', Workspace), ...problems },
};

/** A workspace is kept as it is, and made again what it was. */
export const workspaceSnapshotsRoutes: Routes = (app, { workspaces, snapshots }) => {
  app.get<OfWorkspace & { Querystring: PageQuery }>(
    '/workspaces/:workspace_id/snapshots',
    { schema: listSchema, config: { access: 'token' } },
    async ({ params: { workspace_id: workspaceId }, query }) => {
      workspaces.get(workspaceId);
      return snapshots.list({ workspaceId, ...pageOf(query) });
    },
  );
  app.post<OfWorkspace & { Querystring: z.infer<typeof TakeQuery>; Body: z.infer<typeof TakeBody> }>(
    '/workspaces/:workspace_id/snapshots',
    { schema: takeSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { snapshot, replayed } = await workspaces.snapshot(
        request.params.workspace_id,
        request.body ?? {},
        {
          whileRunning: request.query.while_running === 'true',
        },
      );
      reply.header('location', `/snapshots/${snapshot.snapshot_id}`).code(replayed ? 200 : 201);
      if (replayed) reply.header('idempotency-replayed', 'true');
      return snapshot;
    },
  );
  app.post<OfWorkspace & { Body: RestoreInput }>(
    '/workspaces/:workspace_id/restore',
    { schema: restoreSchema, config: { access: 'token' } },
    async ({ params, body }) => workspaces.restore(params.workspace_id, body),
  );
  app.post<OfWorkspace>(
    '/workspaces/:workspace_id/reset',
    { schema: resetSchema, config: { access: 'token' } },
    async ({ params }) => workspaces.reset(params.workspace_id),
  );
};
