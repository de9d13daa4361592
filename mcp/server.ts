import { ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import type { Runwire } from '../client/runwire.ts';
import about from '../package.json' with { type: 'json' };
import { answerCall, type Era } from './calls.ts';
import { addExperimentalTasks, TASKS_CAPABILITY } from './tasks/experimental.ts';
import { addTasksExtension, TASKS } from './tasks/extension.ts';
import { telling } from './tasks/protocol-error.ts';
import { toldTools } from './tools/calling.ts';

const INSTRUCTIONS =
  'Runs programs on a Runwire server. run starts one; what takes long goes on by itself and is looked at with wait and output. Files that several runs share are kept in a workspace.';

/** They are those of this release, whoever asks. */
const CACHED = {
  'tools/list': { ttlMs: 300_000, cacheScope: 'public' },
  'server/discover': { ttlMs: 300_000, cacheScope: 'public' },
} as const;

export interface McpOptions {
  /** `legacy`: revisions up to 2025-11-25, with a handshake; `modern`: 2026-07-28. */
  era: Era;
  /** What is our own fault is told here; the client learns that something is. */
  onError(error: unknown): void;
}

/** An MCP server over one Runwire server, for one connection or one request. */
export function mcpServer(rw: Runwire, { era, onError }: McpOptions): Server {
  const isLegacy = era === 'legacy';
  const capabilities = isLegacy ? { tasks: TASKS_CAPABILITY } : { extensions: { [TASKS]: {} } };
  const server = new Server(
    { name: 'runwire', title: 'Runwire', version: about.version },
    { capabilities: { tools: {}, ...capabilities }, instructions: INSTRUCTIONS, cacheHints: CACHED },
  );
  server.setRequestHandler('tools/list', () => ({ tools: toldTools() }));
  const told = telling(onError);
  (isLegacy ? addExperimentalTasks : addTasksExtension)(server, rw, told);
  // Not a handler of the method: of such the SDK takes no task for a result.
  server.fallbackRequestHandler = async (request, context) => {
    if (request.method !== 'tools/call')
      throw new ProtocolError(ProtocolErrorCode.MethodNotFound, 'Method not found');
    return told(context.mcpReq.signal, () => answerCall(rw, era, request, context));
  };
  return server;
}
