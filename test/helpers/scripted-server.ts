import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedServer extends AsyncDisposable {
  url: string;
  /** Method and target of what was asked, in order. */
  asked: string[];
}

export type Answer = (response: ServerResponse, request: IncomingMessage, body: string) => void;

/** A server that gives these answers in turn, the last again and again: what no Runwire does of itself. */
export async function scriptedServer(...answers: Answer[]): Promise<ScriptedServer> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)];
    asked.push(`${request.method} ${request.url}`);
    let body = '';
    for await (const chunk of request) body += chunk;
    answer?.(response, request, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A JSON answer. */
export const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };

/** A problem document. */
export const problem = (
  status: number,
  code: string,
  more: object = {},
  headers: Record<string, string> = {},
): Answer =>
  json({ type: `urn:runwire:problem:${code}`, title: code, status, code, ...more }, status, {
    'content-type': 'application/problem+json',
    ...headers,
  });

/** Another kind of answer, as of a proxy. */
export const text =
  (words: string, status: number, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'text/html', ...headers });
    response.end(words);
  };

/** The connection breaks before any answer. */
export const reset: Answer = (response) => void response.destroy();

/** These bytes as server-sent events; then the connection breaks, or with `end` ends in order. */
export const events =
  (bytes: string | Buffer, end = false): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(bytes, () => (end ? response.end() : setImmediate(() => response.destroy())));
  };
