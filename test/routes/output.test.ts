import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type StubApp, stubApp } from '../helpers/stub-app.ts';

const OUT = '0123456789';
const ERR = 'abcdef';
/** In order of arrival. */
const BOTH = '01234abc56789def';

function writeFirst({ engine }: StubApp): void {
  engine.write('a', 'stderr', 'make: ', 'setup');
  engine.write('a', 'stdout', 'getting ', 'setup');
  engine.write('a', 'stdout', '01234');
  engine.write('a', 'stderr', 'abc');
}

function writeRest({ engine }: StubApp): void {
  engine.write('a', 'stdout', 'ready', 'setup');
  engine.write('a', 'stdout', '56789');
  engine.write('a', 'stderr', 'def');
}

async function finishedRun(stub: StubApp): Promise<void> {
  await stub.start('a');
  writeFirst(stub);
  writeRest(stub);
  stub.engine.finish('a');
}

/** Path, all bytes, and the first of them. */
const CASES = [
  ['stdout', OUT, '01234'],
  ['stderr', ERR, 'abc'],
  ['output', BOTH, '01234abc'],
  ['output?phase=command', BOTH, '01234abc'],
  ['stdout?phase=setup', 'getting ready', 'getting '],
  ['stderr?phase=setup', 'make: ', 'make: '],
  ['output?phase=setup', 'make: getting ready', 'make: getting '],
] as const;

const asking = (path: string, query: string) => `${path}${path.includes('?') ? '&' : '?'}${query}`;
const following = (path: string) => asking(path, 'follow=true');

describe.each(CASES)('GET …/%s of a finished run', (path, bytes) => {
  const url = `/invocations/a/${path}`;

  test('gives the exact bytes with length and a strong ETag', async () => {
    await using stub = stubApp();
    await finishedRun(stub);
    const { statusCode, body, headers } = await stub.app.inject(url);
    expect([statusCode, body]).toEqual([200, bytes]);
    expect(headers).toMatchObject({
      'content-length': String(bytes.length),
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
    });
    expect(headers.etag).toMatch(/^"[^"]+"$/);
    if (!path.startsWith('output'))
      expect(headers['repr-digest']).toBe(`sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`);
  });

  test('every range is a part of them', async () => {
    await using stub = stubApp();
    await finishedRun(stub);
    for (let start = 0; start < bytes.length; start++)
      for (let end = start; end < bytes.length; end++) {
        const headers = { range: `bytes=${start}-${end}` };
        const response = await stub.app.inject({ url, headers });
        expect([response.statusCode, response.body]).toEqual([206, bytes.slice(start, end + 1)]);
        expect(response.headers['content-range']).toBe(`bytes ${start}-${end}/${bytes.length}`);
      }
  });

  test.each([
    ['bytes=2-', (text: string) => text.slice(2)],
    ['bytes=-2', (text: string) => text.slice(-2)],
    ['bytes=-1000', (text: string) => text],
    ['bytes=0-99999', (text: string) => text],
  ])('understands Range: %s', async (range, part) => {
    await using stub = stubApp();
    await finishedRun(stub);
    const response = await stub.app.inject({ url, headers: { range } });
    expect([response.statusCode, response.body]).toEqual([206, part(bytes)]);
    expect(response.headers['content-length']).toBe(String(part(bytes).length));
  });

  test.each(['bytes=100-', 'bytes=-0', 'bytes=100-200'])('cannot satisfy Range: %s', async (range) => {
    await using stub = stubApp();
    await finishedRun(stub);
    const response = await stub.app.inject({ url, headers: { range } });
    expect(response.statusCode).toBe(416);
    expect(response.headers['content-range']).toBe(`bytes */${bytes.length}`);
    expect(response.json()).toMatchObject({ code: 'range_not_satisfiable' });
  });

  test.each(['lines=1-2', 'bytes=0-1,3-4', 'bytes=x-', 'bytes'])(
    'gives everything for Range: %s',
    async (range) => {
      await using stub = stubApp();
      await finishedRun(stub);
      const response = await stub.app.inject({ url, headers: { range } });
      expect([response.statusCode, response.body]).toEqual([200, bytes]);
    },
  );

  test('knows conditions', async () => {
    await using stub = stubApp();
    await finishedRun(stub);
    const etag = String((await stub.app.inject(url)).headers.etag);
    const ask = async (headers: Record<string, string>) => {
      const response = await stub.app.inject({ url, headers });
      return [response.statusCode, response.body];
    };
    expect(await ask({ 'if-none-match': etag })).toEqual([304, '']);
    expect(await ask({ 'if-none-match': `"other", W/${etag}` })).toEqual([304, '']);
    expect(await ask({ 'if-none-match': '*' })).toEqual([304, '']);
    expect(await ask({ 'if-none-match': '"other"' })).toEqual([200, bytes]);
    expect(await ask({ range: 'bytes=0-1', 'if-range': etag })).toEqual([206, bytes.slice(0, 2)]);
    expect(await ask({ range: 'bytes=0-1', 'if-range': `W/${etag}` })).toEqual([200, bytes]);
    expect(await ask({ range: 'bytes=0-1', 'if-range': '"other"' })).toEqual([200, bytes]);
  });

  test('HEAD has the headers of the whole', async () => {
    await using stub = stubApp();
    await finishedRun(stub);
    const response = await stub.app.inject({ method: 'HEAD', url, headers: { range: 'bytes=0-1' } });
    expect([response.statusCode, response.body]).toEqual([200, '']);
    expect(response.headers['content-length']).toBe(String(bytes.length));
  });

  test('?follow=true is the same as without', async () => {
    await using stub = stubApp();
    await finishedRun(stub);
    const response = await stub.app.inject(following(url));
    expect([response.statusCode, response.body]).toEqual([200, bytes]);
    expect(response.headers.etag).toBeDefined();
  });

  test('begins at any byte, followed or not, with a tag of its own', async () => {
    await using stub = stubApp();
    await finishedRun(stub);
    const tags = new Set<unknown>();
    for (let offset = 0; offset <= bytes.length; offset++)
      for (const from of [asking(url, `offset=${offset}`), asking(following(url), `offset=${offset}`)]) {
        const { statusCode, body, headers } = await stub.app.inject(from);
        expect([statusCode, body]).toEqual([200, bytes.slice(offset)]);
        expect(headers['content-length']).toBe(String(bytes.length - offset));
        expect(offset > 0 && headers['repr-digest']).toBeFalsy();
        tags.add(headers.etag);
      }
    expect(tags.size).toBe(bytes.length + 1);
    const ranged = { url: asking(url, 'offset=2'), headers: { range: 'bytes=1-1' } };
    expect((await stub.app.inject(ranged)).body).toBe(bytes.slice(3, 4));
  });

  test('cannot begin where there is nothing', async () => {
    await using stub = stubApp();
    await finishedRun(stub);
    const response = await stub.app.inject(asking(url, `offset=${bytes.length + 1}`));
    expect([response.statusCode, response.json().errors[0].path]).toEqual([400, 'offset']);
  });

  test('text is given to those who prefer it', async () => {
    await using stub = stubApp();
    await finishedRun(stub);
    const response = await stub.app.inject({ url, headers: { accept: 'text/plain' } });
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(response.headers.vary).toBe('accept');
  });
});

describe.each(CASES)('GET …/%s of a running run', (path, bytes, first) => {
  test('follows as the bytes come and ends with the run', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a');
    const [response] = (await once(get(`${origin}/invocations/a/${following(path)}`), 'response')) as [
      IncomingMessage,
    ];
    let text = '';
    response.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    writeFirst(stub);
    await expect.poll(() => text).toBe(first);
    writeRest(stub);
    stub.engine.finish('a');
    await once(response, 'end');
    expect(text).toBe(bytes);
  });

  test('begins at any byte that is there, and follows from there on', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a');
    writeFirst(stub);
    const texts = Array.from({ length: first.length + 1 }, () => '');
    const ends: Promise<unknown>[] = [];
    for (const offset of texts.keys()) {
      const from = asking(following(path), `offset=${offset}`);
      const [response] = (await once(get(`${origin}/invocations/a/${from}`), 'response')) as [
        IncomingMessage,
      ];
      response.setEncoding('latin1').on('data', (chunk) => {
        texts[offset] += chunk;
      });
      ends.push(once(response, 'end'));
      const now = await stub.app.inject(`/invocations/a/${asking(path, `offset=${offset}`)}`);
      expect([now.statusCode, now.body]).toEqual([200, first.slice(offset)]);
    }
    await expect.poll(() => texts).toEqual(texts.map((_, offset) => first.slice(offset)));
    writeRest(stub);
    stub.engine.finish('a');
    await Promise.all(ends);
    expect(texts).toEqual(texts.map((_, offset) => bytes.slice(offset)));
  });

  test('cannot begin, followed or not, where there is nothing yet', async () => {
    await using stub = stubApp();
    await stub.start('a');
    writeFirst(stub);
    const ahead = `offset=${2 * bytes.length}`;
    for (const from of [asking(path, ahead), asking(following(path), ahead)]) {
      const response = await stub.app.inject(`/invocations/a/${from}`);
      expect([response.statusCode, response.json().errors[0].path]).toEqual([400, 'offset']);
    }
  });

  test('gives what is there now, which is not the last word', async () => {
    await using stub = stubApp();
    await stub.start('a');
    writeFirst(stub);
    const response = await stub.app.inject(`/invocations/a/${path}`);
    expect([response.statusCode, response.body]).toEqual([200, first]);
    expect(response.headers.etag).toBeUndefined();
  });
});

test.each(['stdout', 'stderr', 'output'])(
  'of a run without a setup …/%s?phase=setup is nothing',
  async (path) => {
    await using stub = stubApp();
    await stub.start('a');
    stub.engine.write('a', 'stdout', OUT);
    const ask = () => stub.app.inject(`/invocations/a/${path}?phase=setup`);
    expect([(await ask()).statusCode, (await ask()).body]).toEqual([200, '']);
    stub.engine.finish('a');
    // What a crash left and the record does not know is no output.
    writeFileSync(stub.engine.directory('a').setup_stdout, 'stray');
    const { statusCode, body, headers } = await ask();
    expect([statusCode, body, headers['content-length']]).toEqual([200, '', '0']);
  },
);

test('a phase that there is not is 400 by name', async () => {
  await using stub = stubApp();
  await finishedRun(stub);
  for (const path of ['stdout', 'stderr', 'output']) {
    const response = await stub.app.inject(`/invocations/a/${path}?phase=build`);
    expect([response.statusCode, response.json().errors[0].path]).toEqual([400, 'phase']);
  }
});

test('what setup wrote is 410 when it was changed since, and what the command wrote is not', async () => {
  await using stub = stubApp();
  await finishedRun(stub);
  writeFileSync(stub.engine.directory('a').setup_stdout, 'other things!');
  for (const path of ['stdout', 'output']) {
    expect((await stub.app.inject(`/invocations/a/${path}?phase=setup`)).statusCode).toBe(410);
    expect((await stub.app.inject(`/invocations/a/${path}`)).statusCode).toBe(200);
  }
});

test('a range of what may still grow has no total', async () => {
  await using stub = stubApp();
  await stub.start('a');
  stub.engine.write('a', 'stdout', 'so far');
  const response = await stub.app.inject({ url: '/invocations/a/stdout', headers: { range: 'bytes=3-' } });
  expect([response.statusCode, response.body]).toEqual([206, 'far']);
  expect(response.headers['content-range']).toBe('bytes 3-5/*');
});

test('nothing written is nothing, not an error', async () => {
  await using stub = stubApp();
  await stub.start('a');
  const ask = (path: string) => stub.app.inject(`/invocations/a/${path}`);
  for (const path of ['stdout', 'output']) expect((await ask(path)).body).toBe('');
  stub.engine.finish('a');
  for (const path of ['stdout', 'stderr', 'output', 'output?follow=true']) {
    const response = await ask(path);
    expect([response.statusCode, response.body, response.headers['content-length']]).toEqual([200, '', '0']);
  }
});

test('bytes that are not kept any more are gone, not empty', async () => {
  await using stub = stubApp();
  await finishedRun(stub);
  rmSync(stub.engine.directory('a').stdout);
  const response = await stub.app.inject('/invocations/a/stdout');
  expect(response.statusCode).toBe(410);
  expect(response.json()).toMatchObject({ code: 'gone' });
});

test('joined output of which a capture is lost is gone before anything is sent', async () => {
  await using stub = stubApp();
  await finishedRun(stub);
  rmSync(stub.engine.directory('a').stdout);
  const response = await stub.app.inject('/invocations/a/output');
  expect([response.statusCode, response.json().code]).toEqual([410, 'gone']);
});

test.each(['stdout', 'output'])(
  '%s that is changed while it is sent breaks the connection instead of ending well',
  async (path) => {
    await using stub = stubApp();
    const origin = await stub.listen();
    await stub.start('a');
    const block = Buffer.alloc(1024 * 1024, 'x0123456789');
    for (let count = 0; count < 48; count++) stub.engine.write('a', 'stdout', block);
    stub.engine.finish('a');
    const [response] = (await once(get(`${origin}/invocations/a/${path}`), 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    writeFileSync(stub.engine.directory('a').stdout, Buffer.alloc(48 * block.length, 'y'));
    await expect(response.toArray()).rejects.toThrow('aborted');
    await expect.poll(() => stub.logged).toHaveLength(1);
  },
);

test('large output comes through a slow reader whole', async () => {
  await using stub = stubApp();
  const origin = await stub.listen();
  await stub.start('a');
  const block = Buffer.alloc(1024 * 1024, 'x0123456789');
  for (let count = 0; count < 24; count++) stub.engine.write('a', 'stdout', block);
  stub.engine.finish('a');
  const { sha256 } = stub.engine.record('a').outcome?.stdout ?? {};
  for (const path of ['stdout', 'output', 'stdout?follow=true']) {
    const [response] = (await once(get(`${origin}/invocations/a/${path}`), 'response')) as [IncomingMessage];
    const hash = createHash('sha256');
    for await (const chunk of response) {
      hash.update(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(hash.digest('hex')).toBe(sha256);
  }
});

test.each(['stdout', 'output', 'stdout?follow=true'])(
  'a capture that was changed since is 410 at …/%s, also where nothing would be sent',
  async (path) => {
    await using stub = stubApp();
    await finishedRun(stub);
    const url = `/invocations/a/${path}`;
    const { etag } = (await stub.app.inject(url)).headers;
    writeFileSync(stub.engine.directory('a').stdout, OUT.replace('9', '!'));
    for (const headers of [{}, { 'if-none-match': String(etag) }, { range: 'bytes=0-0' }]) {
      const response = await stub.app.inject({ url, headers });
      expect([response.statusCode, response.json().code]).toEqual([410, 'gone']);
    }
    expect((await stub.app.inject({ url, method: 'HEAD' })).statusCode).toBe(410);
  },
);
