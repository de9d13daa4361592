import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CrashingServer } from '../helpers/crashing-server.ts';
import { own } from '../helpers/own-id.ts';
import { requires } from '../helpers/require.ts';
import { SmallDisk } from './small-disk.ts';

const MIB = 1024 * 1024;

requires(
  'linux',
  'root',
  'mount',
)('Environment specs on a disk that fills up', () => {
  let disk: SmallDisk;
  let server: CrashingServer;

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

  const ask = async (name: string, method = 'GET', environment?: Record<string, string>) => {
    const response = await fetch(`${server.url}/environment-specs/${name}`, {
      method,
      ...(environment && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ runtime_kind: 'subprocess', environment }),
      }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
  };
  const roomAgain = (): Promise<void> =>
    expect.poll(async () => (await fetch(`${server.url}/readyz`)).status, { timeout: 20_000 }).toBe(200);

  test('a version that does not fit is 507 and is not there; the one before stays, and can be deleted', async () => {
    const name = own('spec');
    expect((await ask(name, 'PUT', { A: '1' })).status).toBe(201);
    disk.fill();
    const refused = await ask(name, 'PUT', { A: 'x'.repeat(MIB / 2) });
    expect([refused.status, refused.body.code]).toEqual([507, 'insufficient_storage']);
    expect((await ask(name)).body).toMatchObject({ version: 1, environment: { A: '1' } });
    // What is there already takes no room.
    expect((await ask(name, 'PUT', { A: '1' })).status).toBe(200);
    disk.clear();
    await roomAgain();
    expect((await ask(name, 'PUT', { A: '2' })).body.version).toBe(2);
    disk.fill();
    expect((await ask(name, 'DELETE')).status).toBe(204);
    disk.clear();
    await roomAgain();
    await server.crash();
    await server.start();
    expect((await ask(name)).status).toBe(404);
    expect((await ask(name, 'PUT', { A: '1' })).body.version).toBe(3);
  });
});
