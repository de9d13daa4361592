import type { FastifyRequest } from 'fastify';
import type { Report } from '../src/contract/claims.ts';
import type { Edge, OfRun } from './answers/edge.ts';
import { bearerOf } from './requests/worker-token.ts';

/** What the holder of the claim whose token the request has may say. Throws RunwireError unauthorized where it is none. */
export async function reportOf({ engine }: Edge, request: FastifyRequest<OfRun>): Promise<Report> {
  const { id } = request.params;
  await engine.resumed(id);
  const directory = engine.directory(id);
  return engine.claims().report({ id, directory }, bearerOf(request.headers.authorization) ?? '');
}
