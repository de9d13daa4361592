import { createMcpHandler } from '@modelcontextprotocol/server';
import type { Runwire } from '../client/runwire.ts';
import { mcpServer } from './server.ts';

export interface McpOverHttp {
  /** Answers one message, which was read and is JSON. The signal of the request is that of its client. */
  answer(request: Request, message: unknown): Promise<Response>;
  /** Gives up what is being answered. */
  close(): Promise<void>;
}

/** MCP by streamable HTTP, without sessions: each request has a server of its own. `clientFor`: who asks Runwire on behalf of it. */
export function mcpOverHttp(
  clientFor: (request: Request) => Runwire,
  onError: (error: unknown) => void,
): McpOverHttp {
  const handler = createMcpHandler(({ era, requestInfo }) =>
    mcpServer(clientFor(requestInfo as Request), { era, onError }),
  );
  return {
    answer: (request, message) => handler.fetch(request, { parsedBody: message }),
    close: () => handler.close(),
  };
}
