import type { FastifyReply } from 'fastify';
import { isFinal } from '../../src/documents/result.ts';
import type { RequestedWait } from '../requests/negotiation.ts';
import type { Edge } from './edge.ts';
import { serverTiming } from './server-timing.ts';

/** Waits as the request asks for. True when the run has finished. Nobody waits for a client that left. */
export async function awaitFinished(
  { engine, exchanges }: Edge,
  id: string,
  { seconds, applied }: RequestedWait,
  reply: FastifyReply,
): Promise<boolean> {
  if (applied !== null) reply.header('preference-applied', applied);
  if (isFinal(engine.status(id))) return true;
  return seconds > 0 && engine.waitFinished(id, seconds * 1000, exchanges.watch(reply.raw));
}

/** The record as it is stored, not parsed and not serialized again. */
export function recordAnswer({ engine }: Edge, id: string, finished: boolean, reply: FastifyReply): string {
  const json = engine.recordJson(id);
  const timing = finished ? serverTiming(json) : null;
  if (timing !== null) reply.header('server-timing', timing);
  reply.header('content-type', 'application/json; charset=utf-8');
  return json;
}
