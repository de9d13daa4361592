import type { FastifyReply } from 'fastify';
import type { Edge } from './edge.ts';
import { NDJSON_TYPE, SSE_TYPE } from './negotiation.ts';
import { type Framing, frames } from './sse.ts';

const TYPES: Readonly<Record<Framing, string>> = { sse: SSE_TYPE, ndjson: NDJSON_TYPE };

/** Sends the events of a run after a seq, to the end when `follow`, else what is there. */
export function sendEvents(
  { engine, exchanges }: Edge,
  reply: FastifyReply,
  events: { id: string; framing: Framing; after: number; follow: boolean; status?: number },
): Promise<void> {
  const log = engine.log(events.id);
  return exchanges.send(reply, {
    status: events.status ?? 200,
    headers: {
      'content-type': TYPES[events.framing],
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    },
    ends: () => log.lastSeq !== null,
    body: (signal) => frames(log, events.framing, { after: events.after, follow: events.follow, signal }),
  });
}
