import { LEGACY, MODERN } from './mcp-client.ts';

export const TASKS = 'io.modelcontextprotocol/tasks';

/** A message of JSON-RPC, with what its revision wants in it. */
export function message(version: string, method: string, params: object = {}, capabilities: object = {}) {
  const envelope = {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': version,
      'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
      'io.modelcontextprotocol/clientCapabilities': capabilities,
      ...(params as { _meta?: object })._meta,
    },
  };
  return {
    jsonrpc: '2.0',
    id: 1,
    method,
    params: version === MODERN ? { ...params, ...envelope } : params,
  };
}

export interface RawAnswer {
  status: number;
  /** The messages of the answer: the last is the response. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests name what is in them
  messages: any[];
  // biome-ignore lint/suspicious/noExplicitAny: the same
  result: any;
  error: { code: number; message: string; data?: unknown } | undefined;
}

interface RawOptions {
  token?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  ask?: typeof fetch;
}

/** One POST to /mcp, as a client without an SDK sends it. */
export async function post(
  url: string,
  version: string,
  body: object | string,
  { token, headers = {}, signal, ask = fetch }: RawOptions = {},
): Promise<RawAnswer> {
  const { method, params = {} } = (typeof body === 'string' ? {} : body) as {
    method?: string;
    params?: { name?: string; taskId?: string };
  };
  const name = params.name ?? params.taskId;
  const response = await ask(`${url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      ...(version === MODERN && method !== undefined && { 'mcp-method': method }),
      ...(version === MODERN && name !== undefined && { 'mcp-name': name }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });
  const text = await response.text();
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
  const lines = isStream ? [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => data ?? '') : [text];
  const messages = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const last = messages.at(-1);
  return { status: response.status, messages, result: last?.result, error: last?.error };
}

export { LEGACY, MODERN };
