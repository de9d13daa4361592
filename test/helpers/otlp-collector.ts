import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { type ReceivedSpan, readProtobuf } from './otlp-wire.ts';

/** A collector of traces over OTLP/HTTP, as far as a test needs one. */
export interface Collector extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string;
  spans: ReceivedSpan[];
  requests: { url: string | undefined; headers: IncomingMessage['headers']; body: Buffer }[];
  /** How it answers; 0: not at all. */
  status: number;
  /** Those of a run, by name, when they have come. */
  of(id: string): Promise<{ root: ReceivedSpan; below: Record<string, ReceivedSpan> }>;
}

export async function startCollector(): Promise<Collector> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const sent = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    collector.requests.push({ url: request.url, headers: request.headers, body });
    if (collector.status === 0) return;
    const isProtobuf = request.headers['content-type'] === 'application/x-protobuf';
    if (collector.status === 200 && isProtobuf) collector.spans.push(...readProtobuf(body));
    response.writeHead(collector.status, { 'content-type': request.headers['content-type'] });
    response.end(isProtobuf ? '' : '{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    requests: [],
    status: 200,
    async of(id) {
      const root = () => collector.spans.find(({ attributes }) => attributes['runwire.invocation.id'] === id);
      await expect.poll(root).toBeDefined();
      const found = root() as ReceivedSpan; // it has come
      const below = collector.spans.filter(({ parentSpanId }) => parentSpanId === found.spanId);
      return { root: found, below: Object.fromEntries(below.map((span) => [span.name, span])) };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return collector;
}
