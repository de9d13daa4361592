import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../helpers/processes.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

/** What a server that is killed while files of a workspace are changed leaves. */
describe('A workspace that is changed, when the server is killed', () => {
  let dataDir: string;
  let server: ServerProcess;
  let id: string;
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'runwire-changes-'));
    server = await startServer(dataDir);
    id = `w${randomUUID().slice(0, 8)}`;
    await fetch(`${server.address}/workspaces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ workspace_id: id, files: [{ path: 'f', text: 'old' }] }),
    });
  });
  afterEach(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const place = (name: string): string => join(dataDir, 'workspaces', id, name);
  const read = (path: string): string => readFileSync(join(place('tree'), path), 'utf8');
  const send = (path: string, init: RequestInit): Promise<Response> =>
    fetch(`${server.address}/workspaces/${id}/${path}`, init);
  const restart = async (): Promise<void> => {
    await server.stop('SIGKILL');
    server = await startServer(dataDir);
  };

  async function tar(count: number): Promise<Buffer<ArrayBuffer>> {
    const packing = pack();
    packing.entry({ name: 'f' }, 'new');
    for (let at = 0; at < count; at++) packing.entry({ name: `d${at % 50}/f${at}` }, 'whole');
    packing.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of packing) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  test.each([
    ['PUT', 'files/f'],
    ['POST', 'files'],
  ])('in the middle of a %s it is what it was, and what had come is swept', async (method, path) => {
    const body = await tar(100);
    const sending = request(`${server.address}/workspaces/${id}/${path}`, {
      method,
      headers: { 'content-type': 'application/x-tar', 'content-length': String(body.length) },
    });
    sending.on('error', () => {});
    sending.write(body.subarray(0, body.length / 2));
    await until(() => readdirSync(place('beside')).length === 1, 'it is on its way');
    await restart();
    sending.destroy();
    expect([read('f'), readdirSync(place('tree'))]).toEqual(['old', ['f']]);
    await until(() => readdirSync(place('beside')).length === 0, 'it was swept');
    expect((await send('files/f', { method: 'PUT', body: 'new' })).status).toBe(204);
    await restart();
    expect(read('f')).toBe('new');
  });

  test('at any moment of an archive each file is whole, the old or the new', {
    timeout: 180_000,
  }, async () => {
    const body = await tar(3000);
    for (const ms of [50, 150, 300, 500]) {
      await send('files/f', { method: 'PUT', body: 'old' });
      const sent = send('files', { method: 'POST', body, headers: { 'content-type': 'application/x-tar' } });
      const answered = sent.then(
        ({ status }) => status,
        () => 0,
      );
      await Promise.race([answered, new Promise((passed) => setTimeout(passed, ms))]);
      await restart();
      const isDone = (await answered) === 200;
      expect(isDone ? ['new'] : ['old', 'new']).toContain(read('f'));
      const files = readdirSync(place('tree'), { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      );
      for (const { name, parentPath } of files)
        if (name !== 'f') expect(readFileSync(join(parentPath, name), 'utf8')).toBe('whole');
      if (isDone) expect(files).toHaveLength(3001);
      await until(() => readdirSync(place('beside')).length === 0, 'what was beside is swept');
    }
  });

  test('a directory that was deleted stays deleted, also where the rest of it was not', async () => {
    const body = await tar(3000);
    await send('files?path=many', { method: 'POST', body, headers: { 'content-type': 'application/x-tar' } });
    const deleting = send('files/many?recursive=true', { method: 'DELETE' }).catch(() => null);
    await until(() => !readdirSync(place('tree')).includes('many'), 'it is gone from its place');
    await restart();
    await deleting;
    expect(readdirSync(place('tree'))).toEqual(['f']);
    await until(() => readdirSync(place('beside')).length === 0, 'what was beside is swept');
  });
});
