import { Client, type ClientOptions, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Ajv, type AnySchema } from 'ajv';
import { BIN } from './command-line.ts';
import { compileCache } from './compiled-once.ts';

export const LEGACY = '2025-11-25';
export const MODERN = '2026-07-28';

/** How the SDK is told which revision to speak. */
const speaking = (version: string): ClientOptions =>
  version === MODERN ? { versionNegotiation: { mode: { pin: MODERN } } } : {};

/** A client of the SDK of `runwire mcp`, which it starts. */
export async function stdioClient(version: string, env: Record<string, string>): Promise<McpClient> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [BIN, 'mcp'],
    env: { PATH: process.env.PATH ?? '', ...compileCache(), ...env },
    stderr: 'inherit',
  });
  return connected(version, transport);
}

/** One that speaks to `/mcp` of a server. */
export function httpClient(version: string, url: string, token?: string): Promise<McpClient> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return connected(
    version,
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }),
  );
}

export interface McpClient extends AsyncDisposable {
  client: Client;
  /** Of the process of `runwire mcp`. */
  pid: number | null;
  /** What a tool answers. */
  call(name: string, input?: object): Promise<ToolAnswer>;
}

export interface ToolAnswer {
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: each tool has facts of its own, which the tests name
  facts: any;
  isError: boolean;
}

async function connected(version: string, transport: StdioClientTransport | StreamableHTTPClientTransport) {
  const client = new Client({ name: 'test', version: '1.0.0' }, speaking(version));
  await client.connect(transport);
  // Clients check what tools answer, older ones by draft 7 of JSON Schema.
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  const { tools } = await client.listTools();
  const checks = new Map(
    tools.map(({ name, outputSchema }) => [name, ajv.compile(outputSchema as AnySchema)]),
  );
  return {
    client,
    pid: transport instanceof StdioClientTransport ? transport.pid : null,
    async call(name: string, input: object = {}): Promise<ToolAnswer> {
      const result = await client.callTool({ name, arguments: { ...input } });
      const check = checks.get(name);
      if (!result.isError && !check?.(result.structuredContent))
        throw new Error(`${name}: ${ajv.errorsText(check?.errors)}`);
      const [first] = result.content;
      const text = first?.type === 'text' ? first.text : '';
      return { text, facts: result.structuredContent, isError: result.isError === true };
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
