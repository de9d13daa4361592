import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Workspace } from '../../src/documents/workspace.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';
import { own } from '../helpers/own-id.ts';
import { requires } from '../helpers/require.ts';
import { SmallDisk } from './small-disk.ts';

const MIB = 1024 * 1024;

requires(
  'linux',
  'root',
  'mount',
)('Workspaces on a disk that fills up', () => {
  let disk: SmallDisk;
  let server: CrashingServer;
  let count = 0;

  beforeAll(async () => {
    disk = new SmallDisk(12 * MIB);
    server = new CrashingServer({}, disk.path);
    await server.start();
  });
  afterAll(async () => {
    disk.clear();
    await server.end();
    disk[Symbol.dispose]();
  });
  afterEach(() => disk.clear());

  const made = async (): Promise<string> => {
    const id = own(`w-${count++}`);
    const files = [{ path: 'big', text: 'x'.repeat(MIB / 2) }];
    const response = await server.post('/workspaces', { workspace_id: id, files });
    expect(response.status, await response.text()).toBe(201);
    return id;
  };
  const put = (id: string, bytes: number): Promise<Response> =>
    fetch(`${server.url}/workspaces/${id}/files/big`, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.alloc(bytes, 'y'),
    });
  const bytesOf = async (id: string): Promise<string> =>
    (await fetch(`${server.url}/workspaces/${id}/files/big`)).text();
  const get = async (id: string): Promise<Workspace> =>
    (await fetch(`${server.url}/workspaces/${id}`)).json() as Promise<Workspace>;
  const roomAgain = (): Promise<void> =>
    expect.poll(async () => (await fetch(`${server.url}/readyz`)).status, { timeout: 20_000 }).toBe(200);

  test('what does not fit is 507, and what is there stays as it is', async () => {
    const id = await made();
    disk.fill();
    const status = async (response: Promise<Response>): Promise<number> => (await response).status;
    expect(await status(put(id, MIB))).toBe(507);
    expect(
      await status(server.post(`/workspaces/${id}/snapshots`, { metadata: { a: 'b'.repeat(5000) } })),
    ).toBe(507);
    const other = own('never');
    expect(await status(server.post('/workspaces', { workspace_id: other }))).toBe(507);
    expect(await bytesOf(id)).toBe('x'.repeat(MIB / 2));
    disk.clear();
    await roomAgain();
    expect(await status(fetch(`${server.url}/workspaces/${other}`))).toBe(404);
    expect(existsSync(join(server.dataDir, 'workspaces', other))).toBe(false);
    expect(await status(put(id, 10))).toBe(204);
    expect(await get(id)).toMatchObject({ state: 'ready', bytes: 10 });
  });

  test('a restore that does not fit changes nothing, and is done when there is room', async () => {
    const id = await made();
    expect((await put(id, 10)).ok).toBe(true);
    disk.fill();
    expect((await server.post(`/workspaces/${id}/reset`)).status).toBe(507);
    expect(await bytesOf(id)).toBe('y'.repeat(10));
    expect((await get(id)).state).toBe('ready');
    disk.clear();
    await roomAgain();
    expect((await server.post(`/workspaces/${id}/reset`)).status).toBe(200);
    expect(await bytesOf(id)).toBe('x'.repeat(MIB / 2));
  });

  test('one is deleted where nothing else can be written, and so is a snapshot', async () => {
    const id = await made();
    await roomAgain();
    disk.fill();
    for (const path of [`/workspaces/${id}`, `/snapshots/${id}.base`]) {
      const response = await fetch(`${server.url}${path}`, { method: 'DELETE' });
      expect(response.status, await response.text()).toBe(204);
    }
    const left = (): string[] => readdirSync(join(server.dataDir, 'discarded-workspaces'));
    await expect.poll(left, { timeout: 20_000 }).toEqual([]);
    expect(existsSync(join(server.dataDir, 'workspaces', id))).toBe(false);
  });
});
