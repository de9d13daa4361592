import { createMcpHandler, type McpRequestContext } from '@modelcontextprotocol/server';
import { Runwire } from '../client/runwire.ts';
import { mcpServer } from './server.ts';

export interface McpOverHttp {
  /** Answers one message, which was read and is JSON. The signal of the request is that of its client. */
  answer(request: Request, message: unknown): Promise<Response>;
  /** Gives up what is being answered. */
  close(): Promise<void>;
}

export interface McpOverHttpOptions {
  /** Of the Runwire server. */
  address: () => string;
  fetch: typeof fetch;
  onError(error: unknown): void;
}

/**
 * MCP by streamable HTTP, without sessions: each request has a server of its own. What its tools ask of Runwire they ask with what the request has shown
 * of who it is from, and with nothing else.
 */
export function mcpOverHttp({ address, fetch, onError }: McpOverHttpOptions): McpOverHttp {
  const handler = createMcpHandler((request) => {
    try {
      return serverFor(request);
    } catch (error) {
      onError(error); // the SDK answers, and is silent
      throw error;
    }
  });
  const serverFor = ({ era, requestInfo }: McpRequestContext) => {
    const authorization = requestInfo?.headers.get('authorization') ?? null;
    // Who does not reach this server from within will not after a while.
    const patience = { retrySeconds: 0, resumeSeconds: 0 };
    const rw = new Runwire({ url: address(), token: '', ...patience, fetch: showing(fetch, authorization) });
    return mcpServer(rw, { era, onError });
  };
  return {
    answer: (request, message) => handler.fetch(request, { parsedBody: message }),
    close: () => handler.close(),
  };
}

const showing =
  (ask: typeof fetch, authorization: string | null): typeof fetch =>
  (address, init) => {
    const headers = new Headers(init?.headers);
    headers.delete('authorization');
    if (authorization !== null) headers.set('authorization', authorization);
    return ask(address, { ...init, headers });
  };
