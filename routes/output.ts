import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RunwireError } from '../src/documents/errors.ts';
import type { Outcome } from '../src/documents/outcome.ts';
import { isFinal } from '../src/documents/result.ts';
import { type Channel, channelOf, PHASES, STREAMS, type Stream } from '../src/documents/stream.ts';
import { withFileBytes } from '../src/files/file-bytes.ts';
import { nothing, serveBytes } from './answers/bytes.ts';
import type { Edge, OfRun, Routes } from './answers/edge.ts';
import type { StreamedResponse } from './answers/exchanges.ts';
import { joinedOutput, joinedRange } from './answers/joined-output.ts';
import { expectWithin, Offset, startingAt } from './answers/offset.ts';
import { outputType } from './answers/output.ts';
import type { Kept } from './answers/proofs.ts';
import { content, problems, Raw } from './answers/schemas.ts';
import { BYTES_TYPE, TEXT_TYPE } from './requests/negotiation.ts';
import { Flag } from './requests/query.ts';

const CaptureQuery = z.strictObject({
  follow: Flag.describe('true: as it comes, until the run has finished'),
  phase: z
    .enum(PHASES)
    .default('command')
    .describe('setup: what the setup wrote, and nothing where the run has none'),
  offset: Offset,
});
type CaptureRequest = OfRun & { Querystring: z.infer<typeof CaptureQuery> };

const captureSchema = (operationId: string, summary: string) => ({
  operationId,
  tags: ['output'],
  summary,
  description:
    'Range and a strong ETag once the run has finished. What the setup wrote is not among them: ?phase=setup has it.',
  querystring: CaptureQuery,
  response: {
    200: content('All bytes', { [BYTES_TYPE]: Raw, [TEXT_TYPE]: Raw }),
    206: content('A range', { [BYTES_TYPE]: Raw, [TEXT_TYPE]: Raw }),
    304: z.undefined().describe('The client has these bytes'),
    ...problems,
  },
});

export const capturesRoutes: Routes = (app, edge) => {
  for (const stream of STREAMS)
    app.get<CaptureRequest>(
      `/invocations/:id/${stream}`,
      { schema: captureSchema(`get_${stream}`, `Bytes of ${stream}`), config: { access: 'token' } },
      (request, reply) => serveCapture(edge, stream, request, reply),
    );
  app.get<CaptureRequest>(
    '/invocations/:id/output',
    {
      schema: captureSchema('get_output', 'Bytes of stdout and stderr in order of arrival'),
      config: { access: 'token' },
    },
    (request, reply) => serveOutput(edge, request, reply),
  );
};

async function serveCapture(
  edge: Edge,
  stream: Stream,
  request: FastifyRequest<CaptureRequest>,
  reply: FastifyReply,
): Promise<void> {
  const { id } = request.params;
  const { engine, exchanges, proofs } = edge;
  const channel = channelOf(stream, request.query.phase);
  const log = engine.log(id);
  const outcome = finishedOutcome(edge, id);
  const mediaType = outputType(request.headers.accept);
  reply.header('vary', 'accept');
  const { follow, offset: from } = request.query;
  if (outcome === null && follow === 'true') {
    await expectWithin(edge.engine.directory(id), [channel], from);
    return sendLive(edge, id, reply, mediaType, (signal, written) =>
      log.readCapture(channel, { offset: from + written, follow: true, signal }),
    );
  }
  const facts = outcome?.[channel];
  return engine.reading(id, () =>
    // Of a run that has finished nothing is shown that its record does not vouch for.
    withFileBytes(engine.directory(id)[outcome && !facts ? 'empty' : channel], async (file) => {
      const size = file?.size ?? 0;
      const kept = facts && keptOf(facts);
      const holds = async () => !kept || !file || proofs.hold(file.file, kept);
      if ((kept && size !== kept.size) || !(await holds())) throw noLonger(channel);
      const source = {
        size,
        etag: facts ? `"${facts.sha256}"` : null,
        ...(facts && { sha256: facts.sha256 }),
        mediaType,
        read: (start: number, end: number) => file?.read(start, end, holds) ?? nothing(),
      };
      return serveBytes(exchanges, request, reply, startingAt(source, from));
    }),
  );
}

async function serveOutput(
  edge: Edge,
  request: FastifyRequest<CaptureRequest>,
  reply: FastifyReply,
): Promise<void> {
  const { id } = request.params;
  const log = edge.engine.log(id);
  const outcome = finishedOutcome(edge, id);
  const mediaType = outputType(request.headers.accept);
  const follow = request.query.follow === 'true';
  const { phase, offset: from } = request.query;
  const channels = STREAMS.map((stream) => channelOf(stream, phase));
  reply.header('vary', 'accept');
  if (outcome === null) {
    await expectWithin(edge.engine.directory(id), channels, from);
    return sendLive(edge, id, reply, mediaType, joinedOutput(log, phase, follow, from));
  }
  const source = {
    size: channels.reduce((sum, channel) => sum + (outcome[channel]?.kept ?? 0), 0),
    etag: joinedTag(outcome, channels, edge.engine.record(id).created_at),
    mediaType,
    read: (start: number, end: number) => joinedRange(log, phase, start, end),
  };
  return edge.engine.reading(id, async () => {
    // What is sent is compared with the journal on the way; this is for answers that send nothing.
    for (const channel of channels)
      if (!(await isKept(edge, id, channel, outcome[channel]))) throw noLonger(channel);
    await serveBytes(edge.exchanges, request, reply, startingAt(source, from));
  });
}

function isKept(
  { engine, proofs }: Edge,
  id: string,
  channel: Channel,
  facts: Outcome[Channel],
): Promise<boolean> {
  if (!facts || facts.kept === 0) return Promise.resolve(true);
  return withFileBytes(
    engine.directory(id)[channel],
    async (file) => file !== null && proofs.hold(file.file, keptOf(facts)),
  );
}

const keptOf = ({ kept, sha256 }: { kept: number; sha256: string }): Kept => ({ size: kept, sha256 });

function noLonger(channel: Channel): RunwireError {
  return new RunwireError('gone', `The bytes of ${channel} are no longer kept, or were changed since.`);
}

function sendLive(
  { engine, exchanges }: Edge,
  id: string,
  reply: FastifyReply,
  mediaType: string,
  body: StreamedResponse['body'],
): Promise<void> {
  const log = engine.log(id);
  const headers = { 'content-type': mediaType, 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };
  const ends = (): boolean => log.lastSeq !== null;
  return engine.reading(id, () => exchanges.send(reply, { status: 200, headers, ends, body }));
}

function finishedOutcome({ engine }: Edge, id: string): Outcome | null {
  return isFinal(engine.status(id)) ? engine.record(id).outcome : null;
}

/** The order of arrival is a fact of one run, so the tag names the run as well as the bytes. */
function joinedTag(outcome: Outcome, channels: readonly Channel[], createdAt: string): string {
  const parts = channels.map((channel) => outcome[channel]?.sha256.slice(0, 32) ?? '-');
  return `"${parts.join('.')}.${outcome.last_seq}.${Date.parse(createdAt).toString(36)}"`;
}
