import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { dirname } from 'node:path';
import { parse } from 'content-disposition';
import { describe, expect, test } from 'vitest';
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

describe('an artifact whose file was changed since', () => {
  const SIZES = [1, 10, 700_000];
  const CHANGES: Record<string, (file: string, bytes: string) => void> = {
    'has other bytes of the same length': (file, bytes) => writeFileSync(file, `${bytes.slice(0, -1)}!`),
    'has other bytes and its old time': (file, bytes) => {
      const { atime, mtime } = statSync(file);
      writeFileSync(file, `!${bytes.slice(1)}`);
      utimesSync(file, atime, mtime);
    },
    'was cut': (file, bytes) => truncateSync(file, bytes.length - 1),
    'was emptied': (file) => truncateSync(file, 0),
    grew: (file) => appendFileSync(file, 'x'),
    'was replaced': (file, bytes) => {
      writeFileSync(`${file}.new`, '!'.repeat(bytes.length));
      renameSync(`${file}.new`, file);
    },
    'became a link': (file, bytes) => {
      writeFileSync(`${file}.new`, bytes);
      rmSync(file);
      symlinkSync(`${file}.new`, file);
    },
    'became a directory': (file) => {
      rmSync(file);
      mkdirSync(file);
    },
    'is gone with its directory': (file) => rmSync(dirname(file), { recursive: true }),
  };

  test.each(SIZES.flatMap((size) => Object.keys(CHANGES).map((change) => [size, change] as const)))(
    'of %d bytes, which %s, is 410, however it is asked for',
    async (size, change) => {
      await using stub = stubApp();
      await stub.start('a');
      const bytes = 'x'.repeat(size);
      const id = stub.engine.addArtifact('a', 'f', bytes);
      const url = `/invocations/a/artifacts/${id}`;
      const whole = await stub.app.inject(url);
      expect([whole.statusCode, whole.body === bytes]).toEqual([200, true]);
      CHANGES[change]?.(stub.engine.artifactPath('a', id).file, bytes);
      const tag = String(whole.headers.etag);
      for (const headers of [
        {},
        { range: 'bytes=0-0' },
        { range: 'bytes=0-0', 'if-range': tag },
        { 'if-none-match': tag },
        { 'if-match': tag },
      ]) {
        const response = await stub.app.inject({ url, headers });
        expect([headers, response.statusCode]).toEqual([headers, 410]);
        expect(response.json()).toMatchObject({ code: 'gone' });
        expect(response.headers.etag).toBeUndefined();
      }
      expect((await stub.app.inject({ url, method: 'HEAD' })).statusCode).toBe(410);
    },
  );

  test('is 410 where it was empty and is not', async () => {
    await using stub = stubApp();
    await stub.start('a');
    const id = stub.engine.addArtifact('a', 'f', '');
    const url = `/invocations/a/artifacts/${id}`;
    expect((await stub.app.inject(url)).statusCode).toBe(200);
    writeFileSync(stub.engine.artifactPath('a', id).file, 'x');
    expect((await stub.app.inject(url)).statusCode).toBe(410);
  });

  test('is itself where only its time or its number is another: a data directory was restored', async () => {
    await using stub = stubApp();
    await stub.start('a');
    const id = stub.engine.addArtifact('a', 'f', 'bytes');
    const { file } = stub.engine.artifactPath('a', id);
    utimesSync(file, 1, 1);
    expect((await stub.app.inject(`/invocations/a/artifacts/${id}`)).body).toBe('bytes');
    writeFileSync(`${file}.new`, 'bytes');
    renameSync(`${file}.new`, file);
    expect((await stub.app.inject(`/invocations/a/artifacts/${id}`)).body).toBe('bytes');
  });

  test.each([
    [
      'other bytes of the same length',
      (file: string, size: number) => writeFileSync(file, Buffer.alloc(size, 1)),
    ],
    ['fewer', (file: string) => truncateSync(file, 1)],
  ])('while it is sent is never sent whole: %s', async (_what, change) => {
    await using stub = stubApp();
    await stub.start('a');
    const size = 64 * 2 ** 20;
    const id = stub.engine.addArtifact('a', 'f', '\0'.repeat(size));
    const { file } = stub.engine.artifactPath('a', id);
    const origin = await stub.listen();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${origin}/invocations/a/artifacts/${id}`, resolve).once('error', reject);
    });
    expect(response.statusCode).toBe(200);
    change(file, size);
    let received = 0;
    const ended = (async () => {
      for await (const chunk of response) received += chunk.length;
    })();
    await expect(ended).rejects.toThrow('aborted');
    expect(received).toBeLessThan(size);
  });
});
