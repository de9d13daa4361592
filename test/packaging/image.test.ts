import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requires } from '../helpers/require.ts';

const root = resolve(import.meta.dirname, '../..');
const image = `runwire-test-${process.pid}`;
const volume = `${image}-data`;
const token = 'a-token-for-this-test';

async function docker(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('docker', args, { cwd: root, maxBuffer: 64 << 20 });
  return (stdout + stderr).trim();
}

/** Start the image with the volume; resolves with its origin when docker calls it healthy. */
async function startImage(name: string): Promise<string> {
  const publish = ['--publish', '127.0.0.1::7070', '--volume', `${volume}:/var/lib/runwire`];
  await docker('run', '--detach', '--name', name, ...publish, '--env', `RUNWIRE_TOKEN=${token}`, image);
  for (let tries = 0; tries < 120; tries++) {
    const state = await docker('inspect', '--format', '{{.State.Status}} {{.State.Health.Status}}', name);
    if (state === 'running healthy') {
      return `http://${(await docker('port', name, '7070/tcp')).split('\n')[0]}`;
    }
    if (!state.startsWith('running')) break;
    await sleep(500);
  }
  throw new Error(`the container is not healthy: ${await docker('logs', name)}`);
}

function post(origin: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${origin}/invocations?wait=30`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ invocation_id: 'in-image', runtime_kind: 'subprocess', command: ['id', '-u'] }),
  });
}

requires('docker', 'node-image')('The image', () => {
  const first = `${image}-first`;
  const second = `${image}-second`;
  let origin: string;

  beforeAll(async () => {
    await docker('build', '--tag', image, '.');
    origin = await startImage(first);
  }, 600_000);
  afterAll(async () => {
    await docker('rm', '--force', first, second).catch(() => {});
    await docker('volume', 'rm', '--force', volume).catch(() => {});
    await docker('rmi', '--force', image).catch(() => {});
  });

  test('refuses to start without a token', async () => {
    await expect(docker('run', '--rm', image)).rejects.toThrow('RUNWIRE_TOKEN');
  });

  test('refuses a caller without the token', async () => {
    expect((await post(origin, {})).status).toBe(401);
  });

  test('runs a program as a user who is not root', async () => {
    const response = await post(origin, { authorization: `Bearer ${token}` });
    expect(await response.json()).toMatchObject({ status: 'succeeded' });
    const stdout = await fetch(`${origin}/invocations/in-image/stdout`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await stdout.text()).toBe('10001\n');
  });

  test('gives an agent its tools', async () => {
    const response = await fetch(`${origin}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list","arguments":{}}}',
    });
    expect(await response.text()).toContain('"structuredContent"');
  });

  test('has an init as its first process', async () => {
    expect(await docker('exec', first, 'cat', '/proc/1/comm')).toBe('tini');
  });

  test('ships no development dependency', async () => {
    await expect(docker('exec', first, 'ls', 'node_modules/vitest')).rejects.toThrow('No such file');
  });

  test('ends at SIGTERM by itself, and finds its records again in the volume', async () => {
    await docker('stop', '--time', '30', first);
    expect(await docker('inspect', '--format', '{{.State.ExitCode}}', first)).not.toBe('137');
    const again = await startImage(second);
    const record = await fetch(`${again}/invocations/in-image`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await record.json()).toMatchObject({ status: 'succeeded' });
  }, 120_000);
});
