import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { McpOverHttp } from '../mcp/http.ts';
import { localFetch } from '../src/platform/local-fetch.ts';
import type { Edge, Routes } from './answers/edge.ts';
import { content, problems, Raw } from './answers/schemas.ts';
import { JSON_TYPE, SSE_TYPE } from './requests/negotiation.ts';

const mcpSchema = {
  operationId: 'speakMcp',
  tags: ['server'],
  summary: 'The tools of an agent, by the Model Context Protocol',
  description:
    'Streamable HTTP without sessions, in its revisions up to 2025-11-25 and of 2026-07-28. What a tool does is what the token of the request may do.',
  body: z.looseObject({}).describe('One JSON-RPC message: batches are not taken'),
  response: {
    200: content('The answer, with notifications before it where there are any', {
      [JSON_TYPE]: z.looseObject({}),
      [SSE_TYPE]: Raw,
    }),
    202: z.undefined().describe('It was a notification'),
    ...problems,
  },
};

/**
 * Tools go through the doors of this server, with what their caller has shown at them: who may do what is decided in one place.
 */
export const mcpRoutes: Routes = (app, edge) => {
  let loading: Promise<McpOverHttp> | undefined;
  // Most servers are never asked: it is not in their memory.
  const load = async (): Promise<McpOverHttp> => {
    const { mcpOverHttp } = await import('../mcp/http.ts');
    return mcpOverHttp({ address: edge.ownAddress, fetch: localFetch, onError: edge.onError });
  };
  const loaded = (): Promise<McpOverHttp> => {
    loading ??= load().catch((error) => {
      loading = undefined; // for want of descriptors: the next request may have them
      throw error;
    });
    return loading;
  };
  app.addHook('preClose', async () => {
    const mcp = await loading?.catch(() => undefined); // its request was told
    await mcp?.close();
  });
  app.post('/mcp', { schema: mcpSchema, config: { access: 'token' } }, async (request, reply) => {
    const mcp = await loaded();
    const signal = edge.exchanges.watch(reply.raw);
    return send(edge, reply, await mcp.answer(asked(request, signal), request.body));
  });
};

function asked({ headers }: FastifyRequest, signal: AbortSignal): Request {
  const all = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || name === 'content-length' ? [] : [[name, String(value)] as [string, string]],
  );
  return new Request('http://localhost/mcp', { method: 'POST', headers: all, signal });
}

/** Fields that are a matter of the connection. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding'];

async function send({ exchanges }: Edge, reply: FastifyReply, answer: Response): Promise<void> {
  const { status, body } = answer;
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !HOP_BY_HOP.includes(name)));
  if (body !== null && headers['content-type']?.startsWith(SSE_TYPE))
    return exchanges.send(reply, {
      status,
      headers,
      tellsItsEnd: true,
      once: true,
      body: () => buffersOf(body),
    });
  reply.code(status).headers(headers);
  await reply.send(body === null ? undefined : Buffer.from(await answer.arrayBuffer()));
}

async function* buffersOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const bytes of body) yield Buffer.from(bytes);
}
