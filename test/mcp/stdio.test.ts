import { describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { LEGACY, MODERN, stdioClient } from '../helpers/mcp-client.ts';

describe.each([LEGACY, MODERN])('runwire mcp, speaking %s', (version) => {
  const server = clientServer();
  const connect = () => stdioClient(version, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN });

  test('runs a program and tells what it wrote and how it ended', async () => {
    await using mcp = await connect();
    expect(mcp.client.getNegotiatedProtocolVersion()).toBe(version);
    const { text, facts, isError } = await mcp.call('run', { script: 'echo hello; echo wrong >&2; exit 3' });
    expect(isError).toBe(false);
    expect(facts).toMatchObject({ status: 'failed', finished: true, exit_code: 3 });
    expect(facts.output).toMatchObject({ text: expect.stringMatching(/hello\n/), left_out: [] });
    expect(text).toMatch(/^run \S+: failed, exit code 3.*stdout and stderr, all 12 bytes:\n/);
    const again = await mcp.call('output', { id: facts.id, stream: 'stderr' });
    expect(again.facts.output.text).toBe('wrong\n');
  });
});
