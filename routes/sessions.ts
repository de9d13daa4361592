import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { verbatimPaths } from '../src/documents/kind.ts';
import { Checkpoint, CheckpointInput, Session, SessionInput } from '../src/documents/session.ts';
import type { Edge, OfSession, Routes } from './answers/edge.ts';
import { json, problems } from './answers/schemas.ts';
import { filesOf } from './given-files.ts';
import { MAX_WAIT_SECONDS, requestedWait } from './requests/negotiation.ts';
import { mayChange } from './requests/preconditions.ts';
import { decimal, Flag, PageQuery, pageOf } from './requests/query.ts';
import { acceptFiles } from './requests/sent-files.ts';

/** The part of a multipart body that is the document. */
const DOCUMENT = 'session';
/** Of a checkpoint's diff. */
const FILES_OF_A_PAGE = 1000;

const WaitQuery = z.strictObject({
  wait: decimal(z.number().min(0))
    .optional()
    .describe(`Wait up to so many seconds (at most ${MAX_WAIT_SECONDS}) until it is no longer preparing`),
});
type WaitQuery = z.infer<typeof WaitQuery>;
const TakeQuery = z.strictObject({
  while_running: Flag.describe(
    'true: also while a run is in it; files that change meanwhile may be left out',
  ),
  patch: Flag.describe('true: with the text of each change'),
});
const TakeBody = CheckpointInput.nullish().meta({ examples: [{ snapshot_id: 'step-1' }] });
const NoBody = z.strictObject({}).nullish();

const tags = ['sessions'];
const createSchema = {
  operationId: 'createSession',
  tags,
  summary: 'Prepare an environment once, for many runs',
  description:
    'Makes its workspace and sets it up; or joins the one that the same session_id and body already made. It is ' +
    '`preparing` until the setup is over, then `ready` or `failed`, with the `reason`. Runs name it in ' +
    '`options.session`; those that come before it is ready wait.',
  querystring: WaitQuery,
  body: SessionInput,
  response: {
    200: json('It was made by the same request before', Session),
    201: json('It is made', Session),
    ...problems,
  },
};
const listSchema = {
  operationId: 'listSessions',
  tags,
  summary: 'Sessions, newest first',
  querystring: PageQuery,
  response: {
    200: json('A page', z.strictObject({ items: z.array(Session), next_cursor: z.string().nullable() })),
    ...problems,
  },
};
const getSchema = {
  operationId: 'getSession',
  tags,
  summary: 'A session: its state, its workspace, who uses it',
  querystring: WaitQuery,
  response: { 200: json('The session', Session), ...problems },
};
const checkpointSchema = {
  operationId: 'checkpointSession',
  tags,
  summary: 'Keep what is in a session now, and tell what has changed',
  description:
    'A snapshot of its workspace, and how that differs from the checkpoint before; the first, from what was there ' +
    'when it got ready. The same snapshot_id and body again are answered the same.',
  querystring: TakeQuery,
  body: TakeBody,
  response: {
    200: json('It was taken by the same request before', Checkpoint),
    201: json('It is taken', Checkpoint),
    ...problems,
  },
};
const resetSchema = {
  operationId: 'resetSession',
  tags,
  summary: 'Make a session anew, with what was there when it got ready',
  description:
    'What it holds ends, its workspace is put back to `ready_snapshot`, and it is set up again, with ' +
    'resume_commands at the end. It is `preparing` until then.',
  querystring: WaitQuery,
  body: NoBody,
  response: { 200: json('It is begun, or done where it was waited for', Session), ...problems },
};
const deleteSchema = {
  operationId: 'deleteSession',
  tags,
  summary: 'Close a session: its runs are cancelled, what it holds goes',
  response: { 204: z.undefined().describe('Closed'), ...problems },
};

export const sessionsRoutes: Routes = (root, edge) => {
  // A scope of its own: only here files may come with the document.
  root.register(async (app) => createRoute(app, edge));
  const { sessions, snapshots, differences, exchanges } = edge;

  root.get<{ Querystring: PageQuery }>(
    '/sessions',
    { schema: listSchema, config: { access: 'token' } },
    async ({ query }) => sessions.list(pageOf(query)),
  );

  root.get<OfSession & { Querystring: WaitQuery }>(
    '/sessions/:session_id',
    { schema: getSchema, config: { access: 'token' } },
    async (request, reply) => whenPrepared(edge, request.params.session_id, askedWait(request, reply), reply),
  );

  root.post<OfSession & { Querystring: z.infer<typeof TakeQuery>; Body: z.infer<typeof TakeBody> }>(
    '/sessions/:session_id/checkpoint',
    { schema: checkpointSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { while_running, patch } = request.query;
      const whileRunning = while_running === 'true';
      const taken = await sessions.checkpoint(request.params.session_id, request.body ?? {}, {
        whileRunning,
      });
      const { snapshot, since, replayed } = taken;
      const { snapshot_id: id } = snapshot;
      const signal = exchanges.watch(reply.raw);
      const diff = await snapshots.reading(since, () =>
        snapshots.reading(id, () =>
          differences.page(snapshots.get(since).digest, snapshot.digest, {
            ...{ limit: FILES_OF_A_PAGE, patch: patch === 'true', signal },
          }),
        ),
      );
      reply.header('location', `/snapshots/${id}`).code(replayed ? 200 : 201);
      if (replayed) reply.header('idempotency-replayed', 'true');
      const links = { snapshot: `/snapshots/${id}`, diff: `/snapshots/${since}/diff/${id}` };
      return { snapshot, since, diff, links };
    },
  );

  root.post<OfSession & { Querystring: WaitQuery }>(
    '/sessions/:session_id/reset',
    { schema: resetSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { session_id: id } = request.params;
      await sessions.reset(id);
      return whenPrepared(edge, id, askedWait(request, reply), reply);
    },
  );

  root.delete<OfSession>(
    '/sessions/:session_id',
    { schema: deleteSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { session_id: id } = request.params;
      sessions.get(id);
      mayChange(request.headers, { etag: null });
      await sessions.remove(id, exchanges.watch(reply.raw));
      return reply.code(204).send();
    },
  );
};

function createRoute(app: FastifyInstance, edge: Edge): void {
  const { sessions, engine, staging, maxBodyBytes } = edge;
  acceptFiles(app, staging, {
    name: DOCUMENT,
    maxBytes: maxBodyBytes,
    mayComeAgain: (_request, document) => (document as SessionInput | null)?.session_id !== undefined,
  });

  app.post<{ Body: SessionInput; Querystring: WaitQuery }>(
    '/sessions',
    {
      schema: createSchema,
      config: {
        access: 'token',
        documentPart: DOCUMENT,
        verbatim: engine.kinds.flatMap(verbatimPaths),
      },
    },
    async (request, reply) => {
      const files = await filesOf(edge, request, request.body.files ?? [], 'files');
      const { session, replayed } = await sessions.create(request.body, files ?? undefined);
      const { session_id: id } = session;
      reply.header('location', `/sessions/${id}`);
      if (replayed) reply.header('idempotency-replayed', 'true');
      const now = await whenPrepared(edge, id, askedWait(request, reply), reply);
      reply.code(replayed ? 200 : 201);
      return now;
    },
  );
}

function askedWait(request: Parameters<typeof requestedWait>[0], reply: FastifyReply): number {
  const { seconds, applied } = requestedWait(request);
  if (applied !== null) reply.header('preference-applied', applied);
  return seconds;
}

/** The session, when it is no longer preparing or the time is up. Nobody waits for a client that left. */
async function whenPrepared(
  { sessions, exchanges }: Edge,
  id: string,
  seconds: number,
  reply: FastifyReply,
): Promise<Session> {
  const session = sessions.get(id);
  if (session.state !== 'preparing' || seconds === 0) return session;
  await sessions.prepared(id, seconds * 1000, exchanges.watch(reply.raw));
  return sessions.get(id);
}
