import { z } from 'zod';
import { RuntimeEvent } from '../src/documents/event.ts';
import { fieldRefusal } from '../src/documents/field-errors.ts';
import type { OfRun, Routes } from './answers/edge.ts';
import { sendEvents } from './answers/events.ts';
import { content, problems, ServerSentEvent } from './answers/schemas.ts';
import { NDJSON_TYPE, negotiate, SSE_TYPE } from './requests/negotiation.ts';
import { decimal, Flag } from './requests/query.ts';

const EventsQuery = z.strictObject({
  after: decimal(z.number().int().min(0))
    .optional()
    .describe('seq after which to begin; ahead of the newest event it is 400'),
  follow: Flag.describe('false: what is there now; default true: until the run has finished'),
});
type EventsQuery = z.infer<typeof EventsQuery>;

const eventsSchema = {
  operationId: 'getEvents',
  tags: ['events'],
  summary: 'Events of a run, live or finished',
  description:
    'Server-sent events: id = seq, event = type, data = a RuntimeEvent on one line. Last-Event-ID resumes ' +
    '(and goes before ?after). Accept: application/x-ndjson gives the same lines bare.',
  querystring: EventsQuery,
  response: {
    200: content('The events', { [SSE_TYPE]: ServerSentEvent, [NDJSON_TYPE]: RuntimeEvent }),
    204: z.undefined().describe('The run has finished and this is its last seq: do not reconnect'),
    ...problems,
  },
};

export const eventsRoutes: Routes = (app, edge) => {
  app.get<OfRun & { Querystring: EventsQuery }>(
    '/invocations/:id/events',
    { schema: eventsSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id } = request.params;
      const framing =
        negotiate(request.headers.accept, [SSE_TYPE, NDJSON_TYPE]) === SSE_TYPE ? 'sse' : 'ndjson';
      const seen = lastEventId(request.headers['last-event-id']);
      const after = seen ?? request.query.after ?? 0;
      const log = edge.engine.log(id);
      const newest = after === 0 ? 0 : await edge.engine.reading(id, () => log.newestSeq());
      // Whoever saw more saw another run, or what a power cut took: to wait for later events would hide those before.
      if (after > newest)
        throw fieldRefusal('bad_request', [
          {
            path: seen === undefined ? 'after' : 'Last-Event-ID',
            message: `is ahead of the run, whose newest event is ${newest}: read from the start`,
          },
        ]);
      reply.header('vary', 'accept');
      if (after === log.lastSeq) return reply.code(204).send();
      return sendEvents(edge, reply, { id, framing, after, follow: request.query.follow !== 'false' });
    },
  );
};

/** A browser sends the id of the last event it saw; an empty one means none. */
function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  throw fieldRefusal('bad_request', [{ path: 'Last-Event-ID', message: 'must be the seq of an event' }]);
}
