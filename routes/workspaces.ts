import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { Workspace, WorkspaceInput } from '../src/documents/workspace.ts';
import type { Edge, OfWorkspace, Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';
import { filesOf } from './given-files.ts';
import { MAX_WAIT_SECONDS, requestedWait } from './requests/negotiation.ts';
import { mayChange } from './requests/preconditions.ts';
import { decimal, Flag, PageQuery, pageOf } from './requests/query.ts';
import { acceptFiles } from './requests/sent-files.ts';

/** The part of a multipart body that is the document. */
const DOCUMENT = 'workspace';
/** How long the answer waits for what a workspace begins with, where nobody says how long. */
const FILL_WAIT_SECONDS = 30;
/** Runs that arrive while those before are cancelled are cancelled too, so often. */
const CANCEL_ROUNDS = 20;

const WaitQuery = z.strictObject({
  wait: decimal(z.number().min(0))
    .optional()
    .describe(
      `Wait up to so many seconds (at most ${MAX_WAIT_SECONDS}) for it to be filled; POST: ${FILL_WAIT_SECONDS}`,
    ),
});
type WaitQuery = z.infer<typeof WaitQuery>;
const DeleteQuery = z.strictObject({
  cancel: Flag.describe('true: its unfinished runs are cancelled first, and waited for'),
});

const tags = ['workspaces'];
const createSchema = {
  operationId: 'createWorkspace',
  tags,
  summary: 'Make a directory that is kept from one run to the next',
  description:
    'With what is in a snapshot, another workspace, the directory of a run or a git repository, and with files; or ' +
    'joins the one that the same workspace_id and body already made. It may be `filling` when the wait ends, or ' +
    '`failed`, with the `reason`: look at `state`.',
  querystring: WaitQuery,
  body: WorkspaceInput.meta({
    examples: [
      { workspace_id: 'demo', files: [{ path: 'src/main.sh', text: 'echo hello\n' }], ttl_seconds: 3600 },
    ],
  }),
  response: {
    200: json('It was made by the same request before', Workspace),
    201: json('It is made', Workspace),
    ...problems,
  },
};
const listSchema = {
  operationId: 'listWorkspaces',
  tags,
  summary: 'Workspaces, newest first',
  querystring: PageQuery,
  response: {
    200: json('A page', z.strictObject({ items: z.array(Workspace), next_cursor: z.string().nullable() })),
    ...problems,
  },
};
const getSchema = {
  operationId: 'getWorkspace',
  tags,
  summary: 'A workspace: its state, what is in it, who uses it',
  querystring: WaitQuery,
  response: { 200: json('The workspace', Workspace), ...problems },
};
const deleteSchema = {
  operationId: 'deleteWorkspace',
  tags,
  summary: 'Delete a workspace and its files; its snapshots stay',
  querystring: DeleteQuery,
  response: { 204: z.undefined().describe('Deleted'), ...problems },
};

export const workspacesRoutes: Routes = (root, edge) => {
  // A scope of its own: only here files may come with the document.
  root.register(async (app) => createRoute(app, edge));
  const { workspaces } = edge;

  root.get<{ Querystring: PageQuery }>(
    '/workspaces',
    { schema: listSchema, config: { access: 'token' } },
    async ({ query }) => workspaces.list(pageOf(query)),
  );

  root.get<OfWorkspace & { Querystring: WaitQuery }>(
    '/workspaces/:workspace_id',
    { schema: getSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { workspace_id: id } = request.params;
      const { seconds, applied } = requestedWait(request);
      if (applied !== null) reply.header('preference-applied', applied);
      return whenFilled(edge, id, seconds, reply);
    },
  );

  root.delete<OfWorkspace & { Querystring: z.infer<typeof DeleteQuery> }>(
    '/workspaces/:workspace_id',
    { schema: deleteSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { workspace_id: id } = request.params;
      workspaces.get(id);
      mayChange(request.headers, { etag: null });
      workspaces.refuseHeld(id);
      if (request.query.cancel === 'true') await cancelRuns(edge, id, reply);
      await workspaces.remove(id);
      return reply.code(204).send();
    },
  );
};

function createRoute(app: FastifyInstance, edge: Edge): void {
  const { workspaces, staging, maxBodyBytes } = edge;
  acceptFiles(app, staging, {
    name: DOCUMENT,
    maxBytes: maxBodyBytes,
    mayComeAgain: (_request, document) => (document as WorkspaceInput | null)?.workspace_id !== undefined,
  });

  app.post<{ Body: WorkspaceInput; Querystring: WaitQuery }>(
    '/workspaces',
    { schema: createSchema, config: { access: 'token', documentPart: DOCUMENT } },
    async (request, reply) => {
      const files = await filesOf(edge, request, request.body.files ?? [], 'files');
      const { workspace, replayed } = await workspaces.create(request.body, files ?? undefined);
      const { workspace_id: id } = workspace;
      reply.header('location', `/workspaces/${id}`);
      if (replayed) reply.header('idempotency-replayed', 'true');
      const { seconds, applied } = requestedWait(request);
      if (applied !== null) reply.header('preference-applied', applied);
      const isSaid = applied !== null || request.query.wait !== undefined;
      const now = await whenFilled(edge, id, isSaid ? seconds : FILL_WAIT_SECONDS, reply);
      reply.code(replayed ? 200 : 201);
      return now;
    },
  );
}

/** The workspace, when it is filled or the time is up. Nobody waits for a client that left. */
async function whenFilled(
  { workspaces, exchanges }: Edge,
  id: string,
  seconds: number,
  reply: FastifyReply,
): Promise<Workspace> {
  const workspace = workspaces.get(id);
  if (workspace.state !== 'filling' || seconds === 0) return workspace;
  await workspaces.filled(id, seconds * 1000, exchanges.watch(reply.raw));
  return workspaces.get(id);
}

/** Until there are none, or the client leaves, or they come faster than they are cancelled. */
async function cancelRuns({ engine, workspaces, exchanges }: Edge, id: string, reply: FastifyReply) {
  const signal = exchanges.watch(reply.raw);
  for (let round = 0; round < CANCEL_ROUNDS && !signal.aborted; round++) {
    const runs = workspaces.runsOf(id).filter((run) => engine.has(run));
    if (runs.length === 0) return;
    for (const run of runs) engine.cancel(run);
    await Promise.all(runs.map((run) => engine.waitFinished(run, MAX_WAIT_SECONDS * 1000, signal)));
    // What a run has taken it gives back a moment after it has finished.
    if (round > 0) await sleep(10 * round);
  }
}
