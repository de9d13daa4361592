import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Backend, events, hang, json, redirect, startBackend, status } from '../../fixtures/backend.ts';
import { own } from '../../helpers/own-id.ts';
import { expectInvariants } from '../invariants.ts';
import { recoveringServer } from '../recovering.ts';

const server = recoveringServer();
let backend: Backend;
beforeEach(async () => {
  backend = await startBackend();
});
afterEach(() => backend[Symbol.asyncDispose]());

const requests = (path: string) => backend.seen.filter((seen) => seen.path === path);
const http = (method: string, path: string, more: Record<string, unknown> = {}) => ({
  runtime_kind: 'http',
  options: { http: { url: backend.url + path, method } },
  ...more,
});

/** A job that needs no more than this; polls follow each other quickly. */
const job = (more: Record<string, unknown> = {}, fields: Record<string, unknown> = {}) => ({
  runtime_kind: 'http_async',
  options: {
    http_async: {
      url: `${backend.url}/jobs`,
      poll_url_template: '/jobs/{run_id}',
      poll_run_id_path: 'id',
      poll_status_path: 'status',
      poll_terminal_states: ['completed', 'failed'],
      poll_interval_seconds: 0.05,
      ...more,
    },
  },
  ...fields,
});
const accepted = json({ id: 'a1' }, 202);

test('http: a request under way is lost and not sent again; only one of a safe method may be tried again', async () => {
  const body = 'the beginning of an answer\n';
  backend.on('/slow', (response) => void response.writeHead(200, { 'content-length': '1000' }).write(body));
  const ids: [string, string][] = [];
  for (const method of ['POST', 'GET', 'head', 'OPTIONS', 'DELETE', 'PUT'])
    ids.push([method, await server().submit(http(method, '/slow'))]);
  for (const [method, id] of ids) if (method !== 'head') await server().wrote(id, body);
  const sent = requests('/slow').length;
  await server().restart();
  const safe: string[] = [];
  for (const [method, id] of ids) {
    const { record } = await expectInvariants({ url: server().url, id });
    expect(record).toMatchObject({
      status: 'failed',
      outcome: { ended: 'lost', started: true, exit_code: null },
    });
    if (method !== 'head') expect(await server().text(`/invocations/${id}/stdout`)).toBe(body);
    if (record.outcome.retry_safe) safe.push(method);
  }
  expect(safe).toEqual(['GET', 'head', 'OPTIONS']);
  expect(requests('/slow')).toHaveLength(sent);
  expect(await server().recovery()).toEqual({ queued: 0, resumed: 0, lost: ids.length });
});

test('http_async: polling goes on with the run id that was known, and the job is started once', async () => {
  backend.on('/jobs', accepted);
  backend.on('/jobs/a1', json({ status: 'running', log: 'one\n' }));
  const body = job({ log_path: 'log' }, { invocation_id: own('job') });
  const id = await server().submit(body);
  await expect.poll(() => requests('/jobs/a1').length, { timeout: 20_000 }).toBeGreaterThan(1);
  await server().restart();
  const before = requests('/jobs/a1').length;
  await expect.poll(() => requests('/jobs/a1').length, { timeout: 20_000 }).toBeGreaterThan(before);
  backend.on('/jobs/a1', json({ status: 'completed', log: 'one\ntwo\n', answer: 42 }));
  const { record } = await expectInvariants({ url: server().url, id, body, wrote: { stderr: 'one\ntwo\n' } });
  expect(record).toMatchObject({
    status: 'succeeded',
    result: { metadata: { run_id: 'a1', last_state: 'completed' } },
    outcome: { ended: 'completed' },
  });
  expect(requests('/jobs')).toHaveLength(1);
  expect(await server().recovery()).toEqual({ queued: 0, resumed: 1, lost: 0 });
});

test('the deadline counts from the first start; what ended while no server lived has its own end, if that can be learnt', async () => {
  backend.on('/jobs', accepted);
  backend.on('/jobs/a1', json({ status: 'running' }));
  backend.on('/jobs/a1/cancel', status(200));
  backend.on('/other', json({ id: 'b1' }, 202));
  backend.on('/jobs/b1', json({ status: 'running' }));
  const late = await server().submit(
    job({ cancel: { url_template: '/jobs/{run_id}/cancel' } }, { timeout_seconds: 6 }),
  );
  const ended = await server().submit(job({ url: `${backend.url}/other` }, { timeout_seconds: 6 }));
  backend.on('/slow', hang());
  const lost = await server().submit(http('POST', '/slow', { timeout_seconds: 6 }));
  await expect
    .poll(() => ['/jobs/a1', '/jobs/b1', '/slow'].map((path) => requests(path).length > 0), {
      timeout: 20_000,
    })
    .toEqual([true, true, true]);
  await server().crash();
  backend.on('/jobs/b1', json({ status: 'completed' }));
  await sleep(6100);
  await server().start();
  expect(await server().ended(late)).toMatchObject({
    status: 'timed_out',
    result: { error_summary: 'poll exceeded timeout of 6 s', metadata: { cancel: 'HTTP 200 OK' } },
    outcome: { timeout_reason: 'run' },
  });
  expect(await server().ended(ended)).toMatchObject({ status: 'succeeded', outcome: { ended: 'completed' } });
  expect(await server().ended(lost)).toMatchObject({ status: 'failed', outcome: { ended: 'lost' } });
});

test('http_async: a kickoff under way is lost, for nobody knows whether it arrived', async () => {
  backend.on('/jobs', hang());
  const body = job({}, { invocation_id: own('unknown') });
  const id = await server().submit(body);
  await expect.poll(() => requests('/jobs').length, { timeout: 20_000 }).toBe(1);
  await server().restart();
  const { record } = await expectInvariants({ url: server().url, id, body });
  expect(record).toMatchObject({
    status: 'failed',
    outcome: { ended: 'lost', started: true, retry_safe: false },
  });
  expect(requests('/jobs')).toHaveLength(1);
  expect(await server().recovery()).toEqual({ queued: 0, resumed: 0, lost: 1 });
});

test('http_async: with an idempotency header the kickoff is sent again, the same, until it is answered', async () => {
  backend.on('/jobs', hang(), status(503), json({ error: 'in use' }, 409), accepted);
  backend.on('/jobs/a1', json({ status: 'completed' }));
  const body = job(
    { idempotency_header: 'Idempotency-Key', body: { go: 1 } },
    { invocation_id: own('known'), timeout_seconds: 60 },
  );
  const id = await server().submit(body);
  await expect.poll(() => requests('/jobs').length, { timeout: 20_000 }).toBe(1);
  await server().restart();
  const { record } = await expectInvariants({ url: server().url, id, body });
  expect(record).toMatchObject({ status: 'succeeded', result: { metadata: { run_id: 'a1' } } });
  const kickoffs = requests('/jobs').map(({ headers, body }) => [headers['idempotency-key'], body]);
  expect(kickoffs).toEqual(Array.from({ length: 4 }, () => [own('known'), '{"go":1}']));
  expect(requests('/jobs/a1')[0]?.headers['idempotency-key']).toBeUndefined();
  expect(await server().recovery()).toEqual({ queued: 0, resumed: 1, lost: 0 });
});

test('http_async: a kickoff that cannot be sent again is lost and not "never started"', async () => {
  const other = await listening();
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/jobs`;
  const id = await server().submit(
    job({
      url,
      poll_url_template: `${backend.url}/jobs/{run_id}`,
      idempotency_header: 'x-id',
      poll_transient_limit: 2,
    }),
  );
  await new Promise((arrived) => other.once('request', arrived));
  await server().crash();
  other.closeAllConnections();
  other.close();
  await server().start();
  expect(await server().ended(id)).toMatchObject({
    status: 'failed',
    outcome: { ended: 'lost', started: true, retry_safe: false },
  });
});

test('http_async: a callback that was answered is the end, though the backend never says it again', async () => {
  backend.on('/jobs', accepted);
  // It is read on for a while after the end: the result is not stored at once.
  backend.on('/stream', async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (; !response.destroyed; await sleep(50)) response.write('data: more\n\n');
  });
  const only = {
    poll_url_template: undefined,
    callback: { header: 'x-hook' },
    stream_url_template: '/stream',
  };
  const body = job(
    { ...only, stream_output_events: ['message'] },
    { invocation_id: own('called'), timeout_seconds: 60 },
  );
  const id = await server().submit(body);
  await server().wrote(id, 'more');
  const hook = String(requests('/jobs')[0]?.headers['x-hook']);
  const answer = await fetch(hook, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ status: 'completed', answer: 42 }),
  });
  expect(answer.status).toBe(204);
  expect((await server().record(id)).status).toBe('running');
  await server().crash();
  backend.on('/stream', events([]));
  await server().start();
  const { record } = await expectInvariants({ url: server().url, id, body });
  expect(record).toMatchObject({ status: 'succeeded', result: { metadata: { last_state: 'completed' } } });
  const payload = record.result.artifacts.find(({ artifact_id }) => artifact_id === 'final_payload');
  expect(JSON.parse(await server().text(String(payload?.metadata.href)))).toEqual({
    status: 'completed',
    answer: 42,
  });
});

test('http_async: what goes along to another origin has neither the id of the run nor headers that were for the first', async () => {
  await using elsewhere = await startBackend();
  elsewhere.on('/jobs', accepted);
  backend.on('/jobs', redirect(`${elsewhere.url}/jobs`, 307));
  backend.on('/jobs/a1', json({ status: 'completed' }));
  const headers = { 'x-own': 'for the first' };
  const id = await server().submit(job({ idempotency_header: 'X-Run', headers }));
  expect((await server().ended(id)).status).toBe('succeeded');
  expect(backend.seen[0]?.headers).toMatchObject({ 'x-run': id, ...headers });
  expect(elsewhere.seen[0]?.headers['x-run']).toBeUndefined();
  expect(elsewhere.seen[0]?.headers['x-own']).toBeUndefined();
});

test('http_async: an idempotency header that is another header of the kickoff is refused', async () => {
  for (const twice of [{ headers: { 'x-id': '1' } }, { callback: { header: 'x-id' } }]) {
    const response = await server().post('/invocations', job({ ...twice, idempotency_header: 'X-Id' }));
    expect([response.status, await response.text()]).toEqual([
      422,
      expect.stringContaining('"path":"options.http_async.idempotency_header"'),
    ]);
  }
  for (const [header, words] of [
    ['Content-Length', 'Content-Length is set by the connection'],
    ['a b', 'is not a header name'],
  ]) {
    const id = await server().submit(job({ idempotency_header: header }));
    const { status: ends, result } = await server().ended(id);
    expect([ends, result?.error_summary]).toEqual(['rejected', expect.stringContaining(words ?? '')]);
  }
  expect(requests('/jobs')).toHaveLength(0);
});

/** One that takes requests and answers none. */
async function listening(): Promise<Server> {
  const other = createServer(() => {});
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  return other;
}
