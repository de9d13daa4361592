import {
  type JSONRPCRequest,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Runwire } from '../client/runwire.ts';
import about from '../package.json' with { type: 'json' };
import { callTool, toldTools, toolNamed } from './tools/calling.ts';
import type { Call } from './tools/tool.ts';

const INSTRUCTIONS =
  'Runs programs on a Runwire server. run starts one; what takes long goes on by itself and is looked at with wait and output. Files that several runs share are kept in a workspace.';

/** An MCP server over one Runwire server, for one connection or one request. */
export function mcpServer(rw: Runwire): Server {
  const server = new Server(
    { name: 'runwire', title: 'Runwire', version: about.version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  server.setRequestHandler('tools/list', () => ({ tools: toldTools() }));
  // Not a handler for the method: the SDK would refuse a task as the result of a call.
  server.fallbackRequestHandler = (request, context) => answer(rw, request, context);
  return server;
}

async function answer(rw: Runwire, { method, params }: JSONRPCRequest, context: ServerContext) {
  if (method !== 'tools/call') throw new ProtocolError(ProtocolErrorCode.MethodNotFound, 'Method not found');
  const name = String(params?.name);
  const tool = toolNamed(name);
  if (tool === undefined)
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `There is no tool ${JSON.stringify(name.slice(0, 100))}: tools/list has those that there are.`,
    );
  return callTool(tool, params?.arguments, callOf(rw, context));
}

function callOf(rw: Runwire, { mcpReq }: ServerContext): Call {
  const { signal, notify } = mcpReq;
  const token = mcpReq._meta?.progressToken;
  if (token === undefined) return { rw, signal, progress: null };
  return {
    rw,
    signal,
    progress: (progress, total, message) => {
      const params = { progressToken: token, progress, total, message };
      notify({ method: 'notifications/progress', params }).catch(() => {}); // nobody listens any more
    },
  };
}
