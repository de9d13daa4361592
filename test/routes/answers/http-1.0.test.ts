import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactDescriptor } from '../../../src/documents/artifact.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { type Nginx, startNginx } from '../../helpers/nginx.ts';
import { parsed, type RawAnswer } from '../../helpers/raw-http.ts';
import { requires } from '../../helpers/require.ts';
import { stubApp } from '../../helpers/stub-app.ts';

const PROGRAM = ['sh', '-c', 'printf out; printf err >&2; printf artifact > made.txt'];
const INVOCATION = { runtime_kind: 'subprocess', command: PROGRAM };
const JSON_BODY = 'Content-Type: application/json';

/** A whole request of HTTP/1.0, which has no chunks and ends an answer of unknown length with the connection. */
async function ask10(
  to: string | number,
  line: string,
  headers: readonly string[] = [],
  body = '',
): Promise<RawAnswer> {
  const socket = typeof to === 'string' ? connect(to) : connect(to, '127.0.0.1');
  socket.setEncoding('latin1');
  await once(socket, 'connect');
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  socket.write([`${line} HTTP/1.0`, 'Host: localhost', ...length, ...headers, '', body].join('\r\n'));
  let text = '';
  for await (const chunk of socket) text += chunk;
  return parsed(text);
}

/** Every form of answer, asked for at `to()`. */
function answersEverything(server: () => BuiltApp, to: () => string | number): void {
  let finished: RunRecord;
  let path = '';
  beforeAll(async () => {
    finished = await server().run({ ...INVOCATION, options: { artifacts: ['made.txt'] } });
    path = `/invocations/${finished.invocation.invocation_id}`;
  });
  const submit = (headers: readonly string[], body: object = INVOCATION, target = '/invocations') =>
    ask10(to(), `POST ${target}`, [JSON_BODY, ...headers], JSON.stringify(body));
  /** A run that writes `first`, then what its standard input is given. */
  const openRun = async (): Promise<string> => {
    const command = ['sh', '-c', 'printf first; cat'];
    const { status, body } = await submit([], { ...INVOCATION, command, options: { stdin_open: true } });
    expect(status).toBe(202);
    return `/invocations/${JSON.parse(body).invocation.invocation_id}`;
  };
  const feed = (run: string) => ask10(to(), `POST ${run}/stdin?eof=true`, [], ' second');

  test('a record is answered, at once and after a wait', async () => {
    expect(await submit([])).toMatchObject({ status: 202 });
    const waited = await submit([], INVOCATION, '/invocations?wait=50');
    expect([waited.status, JSON.parse(waited.body).status]).toEqual([200, 'succeeded']);
    const got = await ask10(to(), `GET ${path}?wait=50`);
    expect([got.status, JSON.parse(got.body)]).toEqual([200, finished]);
  });

  test('text is the output and nothing else', async () => {
    const { status, headers, body } = await submit(['Accept: text/plain'], {
      ...INVOCATION,
      command: ['echo', 'x'],
    });
    expect([status, body]).toEqual([200, 'x\n']);
    expect(headers).not.toHaveProperty('trailer');
    expect(headers).not.toHaveProperty('transfer-encoding');
  });

  test('events come to the last, as server-sent events and as lines', async () => {
    const sse = await submit(['Accept: text/event-stream']);
    expect([sse.status, sse.body.match(/^event: .*$/gm)?.at(-1)]).toEqual([200, 'event: finished']);
    const ndjson = await submit(['Accept: application/x-ndjson']);
    const last = ndjson.body.trimEnd().split('\n').at(-1) ?? '';
    expect([ndjson.status, JSON.parse(last).type]).toEqual([200, 'finished']);
    for (const type of ['text/event-stream', 'application/x-ndjson'])
      expect(await ask10(to(), `GET ${path}/events`, [`Accept: ${type}`])).toMatchObject({ status: 200 });
  });

  test.each(['stdout', 'output'])('%s is followed to its end', async (name) => {
    const run = await openRun();
    const following = ask10(to(), `GET ${run}/${name}?follow=true`);
    expect(await feed(run)).toMatchObject({ status: 204, body: '' });
    expect(await following).toMatchObject({ status: 200, body: 'first second' });
  });

  test('captures are given whole and in ranges', async () => {
    const answers = ['stdout', 'stderr', 'output'].map((name) => ask10(to(), `GET ${path}/${name}`));
    const [stdout, stderr, output] = await Promise.all(answers);
    expect([stdout?.body, stderr?.body, output?.body?.length]).toEqual(['out', 'err', 6]);
    const range = await ask10(to(), `GET ${path}/stdout`, ['Range: bytes=1-']);
    expect([range.status, range.body, range.headers['content-range']]).toEqual([206, 'ut', 'bytes 1-2/3']);
    const beyond = await ask10(to(), `GET ${path}/stdout`, ['Range: bytes=9-']);
    expect(beyond.status).toBe(416);
    const etag = `If-None-Match: ${stdout?.headers.etag}`;
    expect(await ask10(to(), `GET ${path}/stdout`, [etag])).toMatchObject({ status: 304, body: '' });
    expect(await ask10(to(), `HEAD ${path}/stdout`)).toMatchObject({ status: 200, body: '' });
  });

  test('artifacts are listed and given', async () => {
    const { body } = await ask10(to(), `GET ${path}/artifacts`);
    const { items } = JSON.parse(body) as { items: ArtifactDescriptor[] };
    const made = items.find((artifact) => artifact.path.endsWith('made.txt'));
    const content = await ask10(to(), `GET ${path}/artifacts/${made?.artifact_id}`);
    expect([content.status, content.body]).toEqual([200, 'artifact']);
  });

  test('lists, 204, problems and the pages of the server are answered', async () => {
    const page = await ask10(to(), 'GET /invocations?limit=1');
    expect([page.status, JSON.parse(page.body).items.length]).toEqual([200, 1]);
    const nothingMore = await ask10(to(), `GET ${path}/events?after=${finished.outcome?.last_seq}`);
    expect(nothingMore).toMatchObject({ status: 204, body: '' });
    for (const [line, status] of [
      ['GET /nowhere', 404],
      ['PUT /invocations', 405],
      [`GET ${path}/events?after=x`, 400],
    ] as const) {
      const problem = await ask10(to(), line);
      expect([problem.status, JSON.parse(problem.body).status]).toEqual([status, status]);
    }
    expect(await submit([], {})).toMatchObject({ status: 422 });
    for (const target of ['/healthz', '/readyz', '/runtimes', '/metrics', '/openapi.yaml'])
      expect(await ask10(to(), `GET ${target}`)).toMatchObject({ status: 200 });
  });
}

let server: BuiltApp;
let origin: string;
beforeAll(async () => {
  server = await buildApp();
  origin = await server.listen();
});
afterAll(() => server.end());

describe('A client of HTTP/1.0', () => {
  answersEverything(
    () => server,
    () => Number(new URL(origin).port),
  );

  test('does not take an answer that broke off for a whole one', async () => {
    await using stub = stubApp();
    const port = Number(new URL(await stub.listen()).port);
    await stub.start('a');
    stub.engine.write('a', 'stdout', 'one');
    const log = stub.engine.log('a');
    const read = log.read.bind(log);
    Object.assign(log, {
      async *read(options: Parameters<typeof read>[0]) {
        for await (const batch of read(options)) {
          yield batch;
          throw new Error('the journal cannot be read');
        }
      },
    });
    await expect(ask10(port, 'GET /invocations/a/output?follow=true')).rejects.toThrow('ECONNRESET');
    expect(stub.logged).toHaveLength(1);
  });
});

requires('nginx')('A client behind a default nginx', () => {
  let nginx: Nginx;
  beforeAll(async () => {
    nginx = await startNginx(origin);
  });
  afterAll(() => nginx.end());
  answersEverything(
    () => server,
    () => nginx.socket,
  );
});
