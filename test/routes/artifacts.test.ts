import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parse } from 'content-disposition';
import { expect, test } from 'vitest';
import { stubApp } from '../helpers/stub-app.ts';

test('descriptors are listed', async () => {
  await using stub = stubApp();
  await stub.start('a');
  stub.engine.addArtifact('a', 'out/report.txt', 'bytes');
  const response = await stub.app.inject('/invocations/a/artifacts');
  expect(response.json()).toEqual({ items: stub.engine.artifacts('a') });
});

test('the bytes come with everything that identifies them, to be saved and not run', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const bytes = '<script>alert(1)</script>';
  const id = stub.engine.addArtifact('a', 'out/page.html', bytes, 'text/html');
  const { statusCode, body, headers } = await stub.app.inject(`/invocations/a/artifacts/${id}`);
  const sha256 = createHash('sha256').update(bytes);
  expect([statusCode, body]).toEqual([200, bytes]);
  expect(headers).toMatchObject({
    'content-type': 'text/html',
    'content-disposition': 'attachment; filename=page.html',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    etag: `"${sha256.copy().digest('hex')}"`,
    'repr-digest': `sha-256=:${sha256.copy().digest('base64')}:`,
  });
});

test('a part keeps the digest of the whole', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const id = stub.engine.addArtifact('a', 'x', '0123456789');
  const url = `/invocations/a/artifacts/${id}`;
  const whole = await stub.app.inject(url);
  const part = await stub.app.inject({ url, headers: { range: 'bytes=3-5' } });
  expect([part.statusCode, part.body]).toEqual([206, '345']);
  expect(part.headers['repr-digest']).toBe(whole.headers['repr-digest']);
  const known = await stub.app.inject({ url, headers: { 'if-none-match': String(whole.headers.etag) } });
  expect([known.statusCode, known.body]).toEqual([304, '']);
});

test.each(['übung "1".txt', 'a\r\nSet-Cookie: x=1', '日本.bin', '..', 'semi;colon', '%41.txt'])(
  'a file named %j cannot break the header',
  async (name) => {
    await using stub = stubApp();
    await stub.start('a');
    const id = stub.engine.addArtifact('a', `out/${name}`, 'x');
    const { statusCode, headers } = await stub.app.inject(`/invocations/a/artifacts/${id}`);
    expect(statusCode).toBe(200);
    expect(headers['set-cookie']).toBeUndefined();
    const header = String(headers['content-disposition']);
    expect(header).toMatch(/^attachment; /);
    expect(header).not.toMatch(/[\r\n]/);
    if (!/[\r\n]/.test(name)) expect(parse(header).parameters.filename).toBe(name);
  },
);

test('a media type that is none becomes plain bytes', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const id = stub.engine.addArtifact('a', 'x', 'x', 'text/html\r\nX: y');
  const { headers } = await stub.app.inject(`/invocations/a/artifacts/${id}`);
  expect(headers['content-type']).toBe('application/octet-stream');
});

test('bytes that are not those described are gone', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const id = stub.engine.addArtifact('a', 'x', 'bytes');
  writeFileSync(stub.engine.artifactPath('a', id).file, 'other bytes');
  const response = await stub.app.inject(`/invocations/a/artifacts/${id}`);
  expect(response.statusCode).toBe(410);
});

test('an unknown artifact is 404', async () => {
  await using stub = stubApp();
  await stub.start('a');
  for (const id of ['none', '..%2f..%2fstdout', '%2fetc%2fpasswd']) {
    const response = await stub.app.inject(`/invocations/a/artifacts/${id}`);
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({ code: 'artifact_not_found' });
  }
});
