import { describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { httpClient, LEGACY, MODERN } from '../helpers/mcp-client.ts';

describe.each([LEGACY, MODERN])('POST /mcp, speaking %s', (version) => {
  const server = clientServer();
  const connect = () => httpClient(version, server.url, TOKEN);

  test('runs a program and tells what it wrote and how it ended', async () => {
    await using mcp = await connect();
    const { text, facts, isError } = await mcp.call('run', { script: 'echo hello; echo wrong >&2; exit 3' });
    expect(isError).toBe(false);
    expect(facts).toMatchObject({ status: 'failed', finished: true, exit_code: 3 });
    expect(text).toMatch(/^run \S+: failed, exit code 3.*stdout and stderr, all 12 bytes:\n/);
  });
});
