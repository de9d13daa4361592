import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { fieldRefusal } from '../src/documents/field-errors.ts';
import { ResourceId } from '../src/documents/resource-id.ts';
import { Diff } from '../src/documents/snapshot.ts';
import type { Edge, OfWorkspace, Routes } from './answers/edge.ts';
import { content, problems, Raw } from './answers/schemas.ts';
import { JSON_TYPE, negotiate } from './requests/negotiation.ts';
import { decimal, Flag } from './requests/query.ts';
import { withFirst } from './trees.ts';

const DIFF_TYPE = 'text/x-diff';
const ANSWERS = [JSON_TYPE, DIFF_TYPE] as const;
const PAGED = ['limit', 'cursor', 'patch'] as const;

const DiffQuery = z.strictObject({
  patch: Flag.describe('true: with the text of each change'),
  limit: decimal(z.number().int().min(1).max(10_000))
    .optional()
    .describe('Of files a page; default: 1000. Not of text/x-diff, which is all of it'),
  cursor: z.string().min(1).optional().describe('next_cursor of the page before'),
});
type DiffQuery = z.infer<typeof DiffQuery>;
const FromQuery = DiffQuery.extend({ from: ResourceId.describe('A snapshot: the older side') });

const tags = ['snapshots'];
const response = {
  200: content('How they differ; as text/x-diff what `git apply` takes', {
    [JSON_TYPE]: Diff,
    [DIFF_TYPE]: Raw,
  }),
  ...problems,
};
const liveSchema = {
  operationId: 'diffWorkspace',
  tags,
  summary: 'How a workspace differs now from a snapshot',
  querystring: FromQuery,
  response,
};
const diffSchema = {
  operationId: 'diffSnapshots',
  tags,
  summary: 'How a snapshot differs from an earlier one',
  querystring: DiffQuery,
  response,
};

/** What has changed. */
export const diffsRoutes: Routes = (app, edge) => {
  const { snapshots, workspaces } = edge;

  app.get<OfWorkspace & { Querystring: z.infer<typeof FromQuery> }>(
    '/workspaces/:workspace_id/diff',
    { schema: liveSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { from } = request.query;
      const { workspace_id: id } = request.params;
      workspaces.get(id);
      const form = formOf(request);
      await snapshots.reading(from, async () => {
        const { digest } = snapshots.get(from);
        await workspaces.captured(id, (now) => answer(edge, { from: digest, to: now, form }, request, reply));
      });
      return reply;
    },
  );
  app.get<{ Params: { snapshot_id: string; other_id: string }; Querystring: DiffQuery }>(
    '/snapshots/:snapshot_id/diff/:other_id',
    { schema: diffSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { snapshot_id: older, other_id: newer } = request.params;
      const form = formOf(request);
      await snapshots.reading(older, () =>
        snapshots.reading(newer, () => {
          const [from, to] = [snapshots.get(older).digest, snapshots.get(newer).digest];
          return answer(edge, { from, to, form }, request, reply);
        }),
      );
      return reply;
    },
  );
};

function formOf({ headers, query }: FastifyRequest<{ Querystring: DiffQuery }>): (typeof ANSWERS)[number] {
  const form = negotiate(headers.accept, ANSWERS);
  const odd = form === DIFF_TYPE ? PAGED.filter((name) => query[name] !== undefined) : [];
  if (odd.length === 0) return form;
  const message = 'is of the JSON answer: text/x-diff is all of it';
  throw fieldRefusal(
    'bad_request',
    odd.map((path) => ({ path, message })),
  );
}

async function answer(
  { differences, exchanges }: Edge,
  { from, to, form }: { from: string; to: string; form: (typeof ANSWERS)[number] },
  { query: { limit = 1000, cursor, patch } }: FastifyRequest<{ Querystring: DiffQuery }>,
  reply: FastifyReply,
): Promise<void> {
  reply.header('vary', 'accept');
  if (form === JSON_TYPE) {
    const signal = exchanges.watch(reply.raw, { ends: () => true });
    const after = cursor === undefined ? {} : { after: cursor };
    try {
      reply.send(await differences.page(from, to, { limit, ...after, patch: patch === 'true', signal }));
    } catch (error) {
      if (!signal.aborted) throw error;
      reply.hijack(); // nobody is there to be told
    }
    return;
  }
  const all = differences.patch(from, to);
  // What cannot be compared is told before the first byte.
  const first = await all.next();
  await exchanges.send(reply, {
    status: 200,
    headers: { 'content-type': DIFF_TYPE, 'cache-control': 'no-cache', vary: 'accept' },
    ends: () => true,
    once: true,
    body: () => withFirst(first, all),
  });
  await all.return(undefined);
}
