import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { codeOf } from '../../helpers/worker.ts';
import { app, fresh, get, server, url, worker } from './scene.ts';

test('a file longer than JSON may be is streamed, hashed and served as it was', async () => {
  const bytes = randomBytes(150_000);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const { status, body } = await worker.put('some.bin', bytes, 'application/x-some');
  expect([status, body]).toEqual([
    200,
    {
      schema_version: '0.1',
      contract_kind: 'artifact_descriptor',
      artifact_id: 'some.bin',
      path: expect.stringMatching(/some\.bin$/),
      kind: 'file',
      description: 'some.bin',
      metadata: {
        size_bytes: '150000',
        sha256: hash,
        media_type: 'application/x-some',
        href: `/invocations/${worker.id}/artifacts/some.bin`,
        modified_at: expect.stringMatching(/Z$/),
      },
    },
  ]);
  await worker.put('empty', '');
  await worker.complete({ status: 'succeeded' });
  expect((await get('artifacts/some.bin')).equals(bytes)).toBe(true);
  expect((await get('artifacts/empty')).length).toBe(0);
});

test('a second file with the same id takes the place of the first', async () => {
  await worker.put('a', 'first');
  await worker.put('a', 'second, and longer');
  const { body } = await worker.complete({ status: 'succeeded', artifacts: ['a'] });
  const { artifacts } = (body as { result: { artifacts: { artifact_id: string }[] } }).result;
  expect(artifacts.map(({ artifact_id }) => artifact_id)).toEqual(['stdout', 'stderr', 'a']);
  expect((await get('artifacts/a')).toString()).toBe('second, and longer');
});

test.each([
  'stdout',
  'STDERR',
  '.hidden',
  '..%2Fup',
  '%2e%2e%2f%2e%2e%2fclaims.json',
  'a%20b',
  'a%00',
  'é',
  'x'.repeat(129),
])('the id %s is none for a file', async (id) => {
  const { status } = await worker.put(id, 'x');
  expect([400, 404, 422]).toContain(status);
  expect(filesOf(worker.id).filter((name) => name.startsWith('upload-'))).toEqual([]);
});

test('ids that some file systems take for the same are not both taken', async () => {
  expect((await worker.put('Report', 'x')).status).toBe(200);
  expect((await worker.put('report', 'y')).status).toBe(422);
  expect((await worker.put('Report', 'z')).status).toBe(200);
});

test('files are bounded each, together and in number, and what is refused leaves nothing', async () => {
  const refused = async (id: string, size: number) => {
    const answer = await worker.put(id, Buffer.alloc(size));
    expect([answer.status, codeOf(answer)]).toEqual([413, 'body_too_large']);
  };
  await refused('large', 200_001);
  expect((await worker.put('a', Buffer.alloc(200_000))).status).toBe(200);
  await refused('b', 100_001);
  expect((await worker.put('b', Buffer.alloc(50_000))).status).toBe(200);
  expect((await worker.put('a', Buffer.alloc(10))).status).toBe(200);
  expect((await worker.put('c', Buffer.alloc(10))).status).toBe(200);
  await refused('d', 0);
  expect((await worker.put('c', Buffer.alloc(20))).status).toBe(200);
  expect(filesOf(worker.id).filter((name) => name.startsWith('upload-'))).toEqual([]);
});

test('a file of unknown length is bounded too, while it comes', async () => {
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const sending = request(url('artifacts/endless'), { method: 'PUT', headers: worker.authorization });
    sending.on('response', (response) => resolve(response.resume().statusCode));
    sending.on('error', reject);
    for (let count = 0; count < 30; count++) sending.write(Buffer.alloc(10_000));
    sending.end();
  });
  expect(answer).toBe(413);
  expect(filesOf(worker.id).filter((name) => name.startsWith('upload-'))).toEqual([]);
});

test('an upload that breaks off leaves the file that was there', async () => {
  await worker.put('a', 'whole');
  const sending = request(url('artifacts/a'), {
    method: 'PUT',
    headers: { ...worker.authorization, 'content-length': '1000' },
  });
  sending.on('error', () => {});
  sending.write('half');
  await expect.poll(() => filesOf(worker.id).some((name) => name.startsWith('upload-'))).toBe(true);
  sending.destroy();
  await expect.poll(() => filesOf(worker.id).some((name) => name.startsWith('upload-'))).toBe(false);
  await worker.complete({ status: 'succeeded' });
  expect((await get('artifacts/a')).toString()).toBe('whole');
});

test('an upload that outlasts its claim is refused; one that goes on keeps its claim', async () => {
  const slow = await fresh(0.5);
  const sending = request(`${server}/invocations/${slow.id}/artifacts/slow`, {
    method: 'PUT',
    headers: slow.authorization,
  });
  const answer = new Promise<number | undefined>((resolve, reject) => {
    sending.on('response', (response) => resolve(response.resume().statusCode));
    sending.on('error', reject);
  });
  for (let count = 0; count < 6; count++) {
    sending.write('x');
    await sleep(200);
  }
  expect((await slow.heartbeat()).status).toBe(200);
  await sleep(1000); // now the lease ends
  sending.end('y');
  expect(await answer).toBe(409);
  expect(existsSync(`${app.engine.directory(slow.id).artifacts}/slow`)).toBe(false);
});

function filesOf(id: string): string[] {
  return readdirSync(app.engine.directory(id).root);
}
