import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Runwire } from '../client/runwire.ts';
import { mcpServer } from './server.ts';

/** Speaks MCP on standard input and output. Resolves when whoever spoke has gone. */
export async function serveOnStdio(rw: Runwire, onError: (error: unknown) => void): Promise<void> {
  const over = Promise.withResolvers<void>();
  class Wire extends StdioServerTransport {
    override async close(): Promise<void> {
      await super.close();
      over.resolve();
    }
  }
  serveStdio(({ era }) => mcpServer(rw, { era, onError }), { transport: new Wire(), onerror: onError });
  await over.promise;
}
