import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { RunwireError } from '../src/documents/errors.ts';
import { RuntimeEvent } from '../src/documents/event.ts';
import { ExactInvocation } from '../src/documents/exact-invocation.ts';
import { fieldRefusal } from '../src/documents/field-errors.ts';
import { InvocationInput } from '../src/documents/invocation.ts';
import { pathOf } from '../src/documents/invocation-id.ts';
import { verbatimPaths } from '../src/documents/kind.ts';
import { Record } from '../src/documents/record.ts';
import { isFinal, RuntimeResult, Status } from '../src/documents/result.ts';
import { traceContext } from '../src/documents/trace-context.ts';
import type { ListFilter, SubmitOptions } from '../src/engine/engine.ts';
import type { Edge, OfRun, Routes } from './answers/edge.ts';
import { sendEvents } from './answers/events.ts';
import { sendLiveText } from './answers/output.ts';
import { awaitFinished, recordAnswer } from './answers/record.ts';
import { content, json, problems, Raw, ServerSentEvent } from './answers/schemas.ts';
import { filesOf } from './given-files.ts';
import {
  JSON_TYPE,
  NDJSON_TYPE,
  negotiate,
  requestedWait,
  SSE_TYPE,
  TEXT_TYPE,
  WaitQuery,
} from './requests/negotiation.ts';
import { mayChange } from './requests/preconditions.ts';
import { decimal } from './requests/query.ts';
import { acceptFiles } from './requests/sent-files.ts';

const ANSWERS = [JSON_TYPE, SSE_TYPE, NDJSON_TYPE, TEXT_TYPE] as const;

/** The part of a multipart body that is the document. */
const DOCUMENT = 'invocation';

const ListQuery = z.strictObject({
  status: Status.optional(),
  runtime_kind: z.string().min(1).optional(),
  runtime_name: z.string().min(1).optional(),
  limit: decimal(z.number().int().min(1).max(1000)).default(50),
  cursor: z.string().min(1).optional().describe('next_cursor of the page before'),
});
type ListQuery = z.infer<typeof ListQuery>;

const submitSchema = {
  operationId: 'submitInvocation',
  tags: ['invocations'],
  summary: 'Start a run',
  description:
    'Accepts an invocation, or joins the run that the same invocation_id or Idempotency-Key already made. ' +
    'The run goes on when the client leaves. Headers: Prefer: wait=N, Idempotency-Key.',
  querystring: WaitQuery,
  body: InvocationInput,
  response: {
    200: content('The run has finished (or, for streams, its events or output as they come)', {
      [JSON_TYPE]: Record,
      [SSE_TYPE]: ServerSentEvent,
      [NDJSON_TYPE]: RuntimeEvent,
      [TEXT_TYPE]: Raw,
    }),
    202: json('The run is accepted and has not finished', Record),
    ...problems,
  },
};

const listSchema = {
  operationId: 'listInvocations',
  tags: ['invocations'],
  summary: 'Records, newest first',
  querystring: ListQuery,
  response: {
    200: json('A page', z.strictObject({ items: z.array(Record), next_cursor: z.string().nullable() })),
    ...problems,
  },
};

const ofOneRun = { tags: ['invocations'] };
const getSchema = {
  ...ofOneRun,
  operationId: 'getInvocation',
  summary: 'The record of a run',
  querystring: WaitQuery,
  response: { 200: json('The record', Record), ...problems },
};
const deleteSchema = {
  ...ofOneRun,
  operationId: 'deleteInvocation',
  summary: 'Delete record and files of a finished run',
  response: { 204: z.undefined().describe('Deleted'), ...problems },
};
const exactSchema = {
  ...ofOneRun,
  operationId: 'getRuntimeInvocation',
  summary: 'The RuntimeInvocation of a run, exact RxP 0.1',
  response: { 200: json('What was asked for, in the words of RxP', ExactInvocation), ...problems },
};
const resultSchema = {
  ...ofOneRun,
  operationId: 'getResult',
  summary: 'The RuntimeResult of a finished run',
  response: { 200: json('The result', RuntimeResult), ...problems },
};

export const invocationsRoutes: Routes = (root, edge) => {
  // A scope of its own: only here files may come with the document.
  root.register(async (app) => submitRoute(app, edge));
  runRoutes(root, edge);
};

function submitRoute(app: FastifyInstance, edge: Edge): void {
  const { engine, staging, maxBodyBytes } = edge;
  acceptFiles(app, staging, {
    name: DOCUMENT,
    maxBytes: maxBodyBytes,
    mayComeAgain: ({ headers }, document) =>
      headers['idempotency-key'] !== undefined ||
      (document as InvocationInput | null)?.invocation_id !== undefined,
  });

  app.post<{ Body: InvocationInput; Querystring: WaitQuery }>(
    '/invocations',
    {
      schema: submitSchema,
      config: {
        access: 'token',
        documentPart: DOCUMENT,
        verbatim: [...engine.kinds.flatMap(verbatimPaths), ['options', 'inputs', '*', 'value']],
      },
    },
    async (request, reply) => {
      const form = negotiate(request.headers.accept, ANSWERS);
      const files = await filesOf(edge, request, request.body.options?.files ?? [], 'options.files');
      const { id, replayed, stored } = engine.submit(request.body, {
        ...optionsOf(request.headers),
        ...(files && { files }),
      });
      await stored;
      reply.header('location', pathOf(id));
      if (replayed) reply.header('idempotency-replayed', 'true');
      if (form === SSE_TYPE) return sendEvents(edge, reply, { id, framing: 'sse', after: 0, follow: true });
      if (form === NDJSON_TYPE)
        return sendEvents(edge, reply, { id, framing: 'ndjson', after: 0, follow: true });
      if (form === TEXT_TYPE) return sendLiveText(edge, reply, id);
      const wait = requestedWait(request);
      const finished = await awaitFinished(edge, id, wait, reply);
      // Who did not ask to wait gets 202, however quick the run was.
      reply.code(finished && (wait.seconds > 0 || replayed) ? 200 : 202);
      return recordAnswer(edge, id, finished, reply);
    },
  );
}

const runRoutes: Routes = (app, edge) => {
  const { engine } = edge;

  app.get<{ Querystring: ListQuery }>(
    '/invocations',
    { schema: listSchema, config: { access: 'token' } },
    (request, reply) => {
      const { items, nextCursor } = engine.list(filterOf(request.query));
      reply.header('content-type', 'application/json; charset=utf-8');
      reply.send(`{"items":[${items.join(',')}],"next_cursor":${JSON.stringify(nextCursor)}}`);
    },
  );

  app.get<OfRun & { Querystring: WaitQuery }>(
    '/invocations/:id',
    { schema: getSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id } = request.params;
      return recordAnswer(edge, id, await awaitFinished(edge, id, requestedWait(request), reply), reply);
    },
  );

  app.delete<OfRun>(
    '/invocations/:id',
    { schema: deleteSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id } = request.params;
      if (isFinal(engine.status(id))) mayChange(request.headers, { etag: null });
      await engine.remove(id);
      return reply.code(204).send();
    },
  );

  app.get<OfRun>(
    '/invocations/:id/invocation',
    { schema: exactSchema, config: { access: 'token' } },
    async (request) => engine.exactInvocation(request.params.id),
  );

  app.get<OfRun>(
    '/invocations/:id/result',
    { schema: resultSchema, config: { access: 'token' } },
    async (request) => {
      const { result } = engine.record(request.params.id);
      if (result === null) throw new RunwireError('not_finished', 'There is no result yet.');
      return result;
    },
  );
};

function optionsOf(headers: IncomingHttpHeaders): SubmitOptions {
  const { traceparent, tracestate, baggage } = headers;
  return {
    idempotencyKey: idempotencyKey(headers['idempotency-key']),
    trace: traceContext({ traceparent, tracestate, baggage }),
  };
}

/** The key of an Idempotency-Key header: 1 to 255 visible characters, quoted (a structured field) or not. */
function idempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = String(header);
  const key = (/^"(.*)"$/.exec(text)?.[1] ?? text).trim();
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw fieldRefusal('bad_request', [
    { path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' },
  ]);
}

function filterOf(query: ListQuery): ListFilter {
  return {
    limit: query.limit,
    ...(query.status !== undefined && { status: query.status }),
    ...(query.runtime_kind !== undefined && { runtimeKind: query.runtime_kind }),
    ...(query.runtime_name !== undefined && { runtimeName: query.runtime_name }),
    ...(query.cursor !== undefined && { cursor: query.cursor }),
  };
}
