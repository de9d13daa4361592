import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ArtifactDescriptor, describeArtifact } from '../src/documents/artifact.ts';
import { Claimed, ClaimRequest, ClaimState, HeartbeatRequest } from '../src/documents/claim.ts';
import { Completion } from '../src/documents/completion.ts';
import { Record } from '../src/documents/record.ts';
import { type WorkerEvent, WorkerEvents } from '../src/documents/worker-event.ts';
import { nothing } from './answers/bytes.ts';
import type { Edge, OfRun, Routes } from './answers/edge.ts';
import { recordAnswer } from './answers/record.ts';
import { json, problems } from './answers/schemas.ts';
import { bodyBytes, drain } from './requests/body-bytes.ts';
import { acceptNdjson } from './requests/ndjson-body.ts';
import { BYTES_TYPE } from './requests/negotiation.ts';
import { mayChange } from './requests/preconditions.ts';
import { reportOf } from './worker-report.ts';

/** How long the answer to a completion waits for the result to be stored. */
const FINISH_WAIT_MS = 10_000;

const claimSchema = {
  operationId: 'claimRun',
  tags: ['workers'],
  summary: 'Take the next waiting manual run',
  description:
    'The oldest run that nobody has, to be worked on until the lease ends. Every report renews the lease; when it ' +
    'ends the run waits for the next worker, and what the late one still says is refused (409 claim_lost).',
  body: ClaimRequest.nullish(),
  response: {
    200: json('The run, and the claim to it', Claimed),
    204: z.undefined().describe('No run waits'),
    ...problems,
  },
};

const ofWorkers = { tags: ['workers'] };

const eventsSchema = {
  ...ofWorkers,
  operationId: 'reportEvents',
  summary: 'Output and progress of a claimed run',
  description: 'A JSON array, or the same events as NDJSON (application/x-ndjson). All are taken or none.',
  body: WorkerEvents,
  response: { 200: json('They were taken', ClaimState), ...problems },
};
const heartbeatSchema = {
  ...ofWorkers,
  operationId: 'heartbeat',
  summary: 'Renew the lease of a claimed run, and hear whether it is to stop',
  body: HeartbeatRequest,
  response: { 200: json('How the claim stands', ClaimState), ...problems },
};
const uploadSchema = {
  ...ofWorkers,
  operationId: 'putArtifact',
  summary: 'Keep a file that a claimed run made',
  description:
    'The body is the file, of any media type. Again with the same id, it takes the place of the first.',
  response: { 200: json('It is kept', ArtifactDescriptor), ...problems },
};
const completionSchema = {
  ...ofWorkers,
  operationId: 'completeRun',
  summary: 'Say how a claimed run ended',
  description: 'Once: the same body again changes nothing, another is refused (409 completion_conflict).',
  body: Completion,
  response: {
    200: json('The run has finished', Record),
    202: json('It was taken, and the result is being stored', Record),
    ...problems,
  },
};

/** A worker takes a run, and says what becomes of it. */
export const workerRoutes: Routes = (root, edge) => {
  root.post<{ Body: ClaimRequest | null | undefined }>(
    '/manual/claims',
    { schema: claimSchema, config: { access: 'token' } },
    async (request, reply) => {
      const claims = edge.engine.claims();
      const signal = edge.exchanges.watchTaker(reply.raw);
      const claimed = await claims.claim(request.body ?? {}, signal);
      if (claimed === null) return reply.code(204).send();
      if (signal.aborted) claims.giveBack(claimed);
      return claimed;
    },
  );
  root.register(async (app) => {
    acceptNdjson(app);
    app.post<OfRun & { Body: WorkerEvent[] }>(
      '/invocations/:id/events',
      { schema: eventsSchema, config: { access: 'claim-token', verbatim: [['*', 'data']] } },
      async (request) => (await reportOf(edge, request)).events(request.body),
    );
  });
  root.post<OfRun & { Body: HeartbeatRequest }>(
    '/invocations/:id/heartbeat',
    { schema: heartbeatSchema, config: { access: 'claim-token' } },
    async (request, reply) =>
      (await reportOf(edge, request)).heartbeat(request.body, edge.exchanges.watchTaker(reply.raw)),
  );
  root.post<OfRun & { Body: Completion }>(
    '/invocations/:id/completion',
    { schema: completionSchema, config: { access: 'claim-token' } },
    async (request, reply) => {
      const { id } = request.params;
      await (await reportOf(edge, request)).complete(request.body);
      const finished = await edge.engine.waitFinished(id, FINISH_WAIT_MS, edge.exchanges.watch(reply.raw));
      reply.code(finished ? 200 : 202);
      return recordAnswer(edge, id, finished, reply);
    },
  );
  root.register(async (app) => uploadRoute(app, edge));
};

/** In a scope of its own: here a body is a stream, and the limit of JSON bodies does not hold. */
function uploadRoute(app: FastifyInstance, edge: Edge): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

  app.put<{ Params: { id: string; artifact_id: string }; Body: Readable | undefined }>(
    '/invocations/:id/artifacts/:artifact_id',
    { schema: uploadSchema, config: { access: 'claim-token', streamsBody: true, bytesOf: [BYTES_TYPE] } },
    async (request, reply) => {
      const { headers, body, params } = request;
      const { 'content-length': length } = headers;
      try {
        const report = await reportOf(edge, request);
        const facts = await report.upload({
          id: params.artifact_id,
          mediaType: headers['content-type'] ?? BYTES_TYPE,
          length: length === undefined ? undefined : Number(length),
          body: body ? bodyBytes(body) : nothing(),
          mayReplace: (kept) => mayChange(headers, kept && { etag: `"${kept.sha256}"` }),
        });
        reply.header('etag', `"${facts.sha256}"`);
        return describeArtifact(params.id, facts);
      } catch (error) {
        // Many clients read the answer only when all they have to say was taken.
        if (body) drain(body);
        throw error;
      }
    },
  );
}
