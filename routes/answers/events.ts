import type { FastifyReply } from 'fastify';
import { NDJSON_TYPE, SSE_TYPE } from '../requests/negotiation.ts';
import type { Edge } from './edge.ts';
import { COMMENT, type Framing, frames } from './frames.ts';

const TYPES: Readonly<Record<Framing, string>> = { sse: SSE_TYPE, ndjson: NDJSON_TYPE };

/** Sends the events of a run after a seq, to the end when `follow`, else what is there. */
export function sendEvents(
  { engine, exchanges }: Edge,
  reply: FastifyReply,
  events: { id: string; framing: Framing; after: number; follow: boolean; status?: number },
): Promise<void> {
  const { id, framing, follow, status = 200 } = events;
  let { after } = events;
  const passed = (seq: number): void => {
    after = seq;
  };
  const log = engine.log(id);
  return engine.reading(id, () =>
    exchanges.send(reply, {
      status,
      headers: {
        'content-type': TYPES[framing],
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
      },
      ends: () => log.lastSeq !== null,
      tellsItsEnd: true,
      body: (signal) => frames(log, framing, { after, follow, signal }, passed),
      ...(framing === 'sse' && { filler: COMMENT }),
    }),
  );
}
