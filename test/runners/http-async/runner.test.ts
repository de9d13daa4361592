import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { httpAsyncRunner } from '../../../runners/http-async/runner.ts';
import type { Runner } from '../../../src/contract/runner.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { addressGuard } from '../../../src/outbound/address-guard.ts';
import type { Secret } from '../../../src/outbound/secrets.ts';
import {
  type Answer,
  type Backend,
  drip,
  events,
  hang,
  json,
  redirect,
  reset,
  startBackend,
  status,
} from '../../fixtures/backend.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';

const SECRET = 'r8_abcdefghijklmnop';
const secrets = new Map<string, Secret>([['TOKEN', { value: SECRET, hosts: null }]]);
const runner = () => httpAsyncRunner({ guard: addressGuard(), secrets }) as Runner;

let backend: Backend;
let app: TestEngine;

beforeEach(async () => {
  backend = await startBackend();
  app = buildEngine({ runners: [runner()] });
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

/** What most jobs need; polls follow each other quickly. */
function spec(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    url: `${backend.url}/jobs`,
    poll_url_template: `${backend.url}/jobs/{run_id}`,
    poll_run_id_path: 'id',
    poll_status_path: 'status',
    poll_terminal_states: ['completed', 'failed', 'cancelled'],
    poll_interval_seconds: 0.01,
    ...more,
  };
}

function run(more: Record<string, unknown> = {}, fields: Record<string, unknown> = {}): Promise<RunRecord> {
  return app.run({ runtime_kind: 'http_async', options: { http_async: spec(more) }, ...fields });
}

async function start(id: string, more: Record<string, unknown> = {}, fields: Record<string, unknown> = {}) {
  const answer = await app.post({
    runtime_kind: 'http_async',
    invocation_id: id,
    options: { http_async: spec(more) },
    ...fields,
  });
  expect(answer.statusCode).toBe(202);
}

async function ended(id: string): Promise<RunRecord> {
  expect(await app.engine.waitFinished(id, 20_000)).toBe(true);
  return app.engine.record(id);
}

const summary = (record: RunRecord) => record.result?.error_summary ?? '';
const stdout = (record: RunRecord) => readFileSync(record.result?.stdout_path ?? '', 'utf8');
const stderr = (record: RunRecord) => readFileSync(record.result?.stderr_path ?? '', 'utf8');
function payload(record: RunRecord): unknown {
  const found = record.result?.artifacts.find(({ artifact_id }) => artifact_id === 'final_payload');
  return found && JSON.parse(readFileSync(found.path, 'utf8'));
}
const polls = () => backend.seen.filter(({ path }) => path !== '/jobs');
const accept = (document: unknown = { id: 'a1' }): Answer => json(document, 202);
const states = (...names: string[]): Answer[] => names.map((status) => json({ status }));

test('a job is started, polled and ends with what its backend says', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('queued', 'running', 'running', 'completed'));
  const record = await run({ body: { go: true } }, { invocation_id: 'j' });
  expect(record).toMatchObject({
    status: 'succeeded',
    result: {
      exit_code: 0,
      error_summary: null,
      metadata: { run_id: 'a1', last_state: 'completed', polls: '4' },
    },
    outcome: { ended: 'completed', started: true, retry_safe: false },
  });
  expect(payload(record)).toEqual({ status: 'completed' });
  expect(stdout(record)).toBe('{"status":"completed"}');
  const changes = (await app.events('j')).filter(({ type }) => type === 'progress');
  expect(changes).toMatchObject([
    { message: 'queued', data: { state: 'queued', run_id: 'a1' } },
    { message: 'running' },
    { message: 'completed' },
  ]);
});

test('RxP metadata alone is enough, and its defaults hold', async () => {
  backend.on('/jobs', accept({ data: { runs: [{ id: 7 }] } }));
  backend.on('/jobs/7', json({ run: { status: 'completed' } }));
  const record = await app.run({
    runtime_kind: 'async-http',
    command: ['unused'],
    metadata: {
      'http.url': `${backend.url}/jobs`,
      'http.body': '{"a":1}',
      'http.poll_url_template': `${backend.url}/jobs/{run_id}`,
      'http.poll_run_id_path': 'data.runs.0.id',
      'http.poll_status_path': 'run.status',
      'http.poll_terminal_states': 'completed, failed',
      'http.poll_interval_seconds': '',
    },
  });
  expect(record).toMatchObject({ status: 'succeeded', result: { exit_code: 0, runtime_kind: 'async-http' } });
  expect(backend.seen.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/jobs', '{"a":1}'],
    ['GET', '/jobs/7', ''],
  ]);
});

test.each([
  ['failed', 'failed', 'backend reported terminal status: failed'],
  ['cancelled', 'cancelled', 'backend reported terminal status: cancelled'],
])('the state %s ends the run as %s with exit code 1', async (state, ends, words) => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states(state));
  const record = await run();
  expect(record).toMatchObject({ status: ends, result: { exit_code: 1, metadata: { last_state: state } } });
  expect(summary(record)).toContain(words);
});

test('canceled is the same word, unless the invocation counts it as success', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('Canceled'));
  const terminal = { poll_terminal_states: ['Canceled'] };
  expect((await run(terminal)).status).toBe('cancelled');
  expect((await run({ ...terminal, poll_success_states: ['Canceled'] })).status).toBe('succeeded');
});

test('a 200 kickoff with a terminal state is final, without one it is an acknowledgement', async () => {
  backend.on('/jobs', json({ id: 'a1', status: 'completed' }));
  expect((await run()).status).toBe('succeeded');
  expect(polls()).toHaveLength(0);
  backend.on('/jobs', json({ id: 'a1', status: 'started', accepted: true }));
  backend.on('/jobs/a1', ...states('failed'));
  expect((await run()).status).toBe('failed');
  backend.on('/jobs', status(200, {}, 'OK'));
  backend.on('/fixed', ...states('completed'));
  const fixed = { poll_url_template: `${backend.url}/fixed`, poll_run_id_path: undefined };
  expect((await run(fixed)).status).toBe('succeeded');
});

test('a 202 kickoff is polled whatever its state', async () => {
  backend.on('/jobs', accept({ id: 'a1', status: 'completed' }));
  backend.on('/jobs/a1', ...states('failed'));
  expect((await run()).status).toBe('failed');
});

test('any other kickoff answer fails the run with its beginning', async () => {
  backend.on('/jobs', status(503, {}, 'too busy'));
  const record = await run();
  expect(record).toMatchObject({
    status: 'failed',
    result: { exit_code: 1 },
    outcome: { ended: 'responded' },
  });
  expect(summary(record)).toBe(
    'kickoff expected HTTP 202 or 200, got HTTP 503 Service Unavailable: too busy',
  );
});

test('everything that is missing is named before anything is sent', async () => {
  const record = await app.run({
    runtime_kind: 'http_async',
    options: { http_async: { poll_url_template: `${backend.url}/{run_id}`, poll_terminal_states: [] } },
  });
  expect(record).toMatchObject({ status: 'rejected', outcome: { started: false, retry_safe: true } });
  expect(summary(record)).toBe(
    'missing http.url, http.poll_status_path, http.poll_terminal_states, http.poll_run_id_path',
  );
});

test.each([
  ['http.poll_interval_seconds is not a number', { 'http.poll_interval_seconds': 'soon' }, {}],
  ['http.poll_pending_codes is not a list', { 'http.poll_pending_codes': '404,x' }, {}],
  ['http.poll_interval_seconds', { 'http.poll_interval_seconds': '-1' }, {}],
  ['http.poll_url_template', {}, { poll_url_template: 'ftp://x/{run_id}' }],
  ['must not be part of the host', {}, { poll_url_template: 'http://{run_id}.example/' }],
  ['http.cancel.url_template', {}, { cancel: { url_template: 'ftp://x/{run_id}' } }],
  ['http.preset: there is no preset "nope"', {}, { preset: 'nope' }],
  ['http.callback.body_field needs', {}, { callback: { body_field: 'hook' }, body: [1] }],
])('what cannot work is rejected before kickoff: %s', async (words, metadata, more) => {
  const given = Object.fromEntries(
    Object.entries(spec(more)).filter(([field]) => !(`http.${field}` in metadata)),
  );
  const record = await app.run({ runtime_kind: 'http_async', options: { http_async: given }, metadata });
  expect(record.status).toBe('rejected');
  expect(summary(record)).toContain(words);
  expect(backend.seen).toEqual([]);
});

test('the run id is one part of the path, whatever is in it', async () => {
  backend.on('/jobs', accept({ id: '../admin?x=1#y/ü $&' }));
  backend.on('/jobs/..%2Fadmin%3Fx%3D1%23y%2F%C3%BC%20%24%26', ...states('completed'));
  expect((await run()).status).toBe('succeeded');
});

test.each([['..'], ['.'], [''], [{ a: 1 }], [null]])('the run id %j is refused', async (id) => {
  backend.on('/jobs', accept({ id }));
  const record = await run();
  expect(record).toMatchObject({ status: 'failed', result: { exit_code: 1 } });
  expect(summary(record)).toContain('run id');
  expect(polls()).toEqual([]);
});

test('paths see own fields only', async () => {
  backend.on('/jobs', accept());
  const record = await run({ poll_run_id_path: 'constructor.name' });
  expect(summary(record)).toContain('run id');
});

test('pending codes mean: not yet', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', status(404), status(404), ...states('completed'));
  expect((await run({ poll_pending_codes: [404] })).result?.metadata.polls).toBe('3');
  backend.on('/jobs/a1', status(404, {}, 'who?'));
  expect(summary(await run())).toBe('poll expected HTTP 200, got HTTP 404 Not Found: who?');
});

test('transient errors are borne, a number in a row', async () => {
  backend.on('/jobs', accept());
  backend.on(
    '/jobs/a1',
    status(502),
    reset(),
    status(503),
    ...states('running'),
    status(504),
    reset('{"sta'),
    ...states('completed'),
  );
  expect((await run({ poll_transient_limit: 3 })).status).toBe('succeeded');
  backend.on('/jobs/a1', status(503));
  const record = await run({ poll_transient_limit: 2 });
  expect(record).toMatchObject({ status: 'failed', result: { exit_code: 1, metadata: { polls: '3' } } });
  expect(summary(record)).toBe('poll: HTTP 503 Service Unavailable, 3 times in a row');
});

test('a poll that is not answered in time is a transient error', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', hang(), drip('{', 20), ...states('completed'));
  const record = await run({ poll_timeout_seconds: 0.2 });
  expect(record).toMatchObject({ status: 'succeeded', result: { metadata: { polls: '3' } } });
});

test('Retry-After is obeyed, also one that is repeated', async () => {
  backend.on('/jobs', accept());
  const asked: number[] = [];
  const noting =
    (answer: Answer): Answer =>
    (response, request) => {
      asked.push(performance.now());
      return answer(response, request);
    };
  backend.on(
    '/jobs/a1',
    noting(json({ status: 'running' }, 200, { 'retry-after': ['1', '1'] })),
    noting(json({ status: 'completed' })),
  );
  await run();
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThan(900);
});

test('the deadline holds during kickoff, polls, their bodies and the waits between', async () => {
  const limit = { timeout_seconds: 0.3 };
  backend.on('/jobs', hang());
  const kickoff = await run({}, limit);
  expect(kickoff).toMatchObject({ status: 'timed_out', outcome: { started: true, retry_safe: false } });
  expect(summary(kickoff)).toBe('kickoff exceeded timeout of 0.3 s');
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', hang());
  expect(summary(await run({}, limit))).toBe('poll exceeded timeout of 0.3 s');
  backend.on('/jobs/a1', drip('{', 10));
  expect((await run({}, limit)).status).toBe('timed_out');
  backend.on('/jobs/a1', ...states('running'));
  const waiting = await run({ poll_interval_seconds: 3600 }, limit);
  expect(waiting).toMatchObject({ status: 'timed_out', result: { metadata: { last_state: 'running' } } });
  expect(payload(waiting)).toEqual({ status: 'running' });
});

test('cancel and timeout call the backend', async () => {
  const cancel = { url_template: '/jobs/{run_id}', method: 'DELETE' };
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running'));
  const timedOut = await run({ cancel, poll_interval_seconds: 3600 }, { timeout_seconds: 0.2 });
  expect(timedOut).toMatchObject({ status: 'timed_out', result: { metadata: { cancel: 'HTTP 200 OK' } } });
  expect(backend.seen.at(-1)).toMatchObject({ method: 'DELETE', path: '/jobs/a1' });
  await start('c', { cancel, poll_interval_seconds: 3600, auth: { secret: 'TOKEN' } });
  await expect.poll(() => polls().length).toBe(3);
  app.engine.cancel('c');
  expect(await ended('c')).toMatchObject({ status: 'cancelled', outcome: { ended: 'cancelled' } });
  expect(backend.seen.at(-1)).toMatchObject({
    method: 'DELETE',
    headers: { authorization: `Bearer ${SECRET}` },
  });
});

test('a job that was started while the run was cancelled is cancelled too', async () => {
  let answer = (): void => {};
  backend.on('/jobs', (response, request) => {
    answer = () => void accept()(response, request);
  });
  await start('c', { cancel: { url_template: '/jobs/{run_id}/cancel' } });
  await expect.poll(() => backend.seen.length).toBe(1);
  app.engine.cancel('c');
  answer();
  expect(await ended('c')).toMatchObject({ status: 'cancelled', result: { metadata: { run_id: 'a1' } } });
  expect(backend.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /jobs',
    'POST /jobs/a1/cancel',
  ]);
});

test('a backend that does not answer the cancel call is not waited for beyond the grace', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running'));
  backend.on('/jobs/a1/cancel', hang());
  const http_async = spec({ cancel: { url_template: '/jobs/{run_id}/cancel' } });
  const options = { http_async, kill_grace_seconds: 0.3 };
  const record = await app.run({ runtime_kind: 'http_async', timeout_seconds: 0.1, options });
  expect(record).toMatchObject({
    status: 'timed_out',
    result: { metadata: { cancel: expect.stringContaining('failed') } },
  });
});

test('without a template the Location of the kickoff is polled, on another host without secrets', async () => {
  await using other = await startBackend();
  other.on('/status', ...states('completed'));
  const bare = { poll_url_template: undefined, poll_run_id_path: undefined, auth: { secret: 'TOKEN' } };
  backend.on('/jobs', json({}, 202, { location: '/here' }));
  backend.on('/here', ...states('completed'));
  expect((await run(bare)).status).toBe('succeeded');
  expect(backend.seen.at(-1)?.headers.authorization).toBe(`Bearer ${SECRET}`);
  backend.on('/jobs', json({}, 202, { location: `${other.url}/status` }));
  expect((await run({ ...bare, headers: { 'x-key': '1' } })).status).toBe('succeeded');
  expect(other.seen[0]?.headers.authorization).toBeUndefined();
  expect(other.seen[0]?.headers['x-key']).toBeUndefined();
  backend.on('/jobs', json({}, 202));
  expect(summary(await run(bare))).toContain('named no address to poll');
  backend.on('/jobs', json({}, 202, { location: 'http://169.254.169.254/latest' }));
  expect(summary(await run(bare))).toContain('not allowed by this server');
  backend.on('/jobs', json({}, 202, { location: 'file:///etc/passwd' }));
  expect(summary(await run(bare))).toContain('not http or https');
});

test('a poll that is redirected to a denied address fails', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', redirect('http://169.254.169.254/'));
  expect(summary(await run())).toContain('not allowed by this server');
});

test.each([
  [status(200, {}, '<html>'), 'poll response is not JSON: <html>'],
  [json({ other: 1 }), 'poll response has no state at http.poll_status_path: {"other":1}'],
])('a 200 without a state fails the run', async (answer, words) => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', answer);
  expect(summary(await run())).toBe(words);
});

test('an answer that never ends is not read into memory', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', (response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65536)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  expect(summary(await run())).toContain('longer than 16777216 bytes');
});

test('the stream of the backend becomes output and progress, beside polling', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running', 'running', 'running', 'completed'));
  backend.on(
    '/jobs/a1/stream',
    events([
      'event: output\ndata: Hello,',
      'data:  world',
      'event: note\ndata: {"step": 2}',
      'event: done\ndata: {}',
    ]),
  );
  const record = await run(
    { stream_url_template: '/jobs/{run_id}/stream', poll_interval_seconds: 0.2 },
    { invocation_id: 's' },
  );
  expect(record.status).toBe('succeeded');
  expect(stdout(record)).toBe('Hello, world');
  expect(await app.events('s')).toContainEqual(
    expect.objectContaining({ type: 'progress', message: 'note', data: { step: 2 } }),
  );
});

test('a stream in place of polling ends the run by the state it tells, and is taken up where it broke', async () => {
  backend.on('/jobs', accept());
  backend.on(
    '/stream',
    events(['retry: 10\nid: 1\ndata: one ', 'data: {"status":"running"}']),
    events(['id: 2\ndata: two', 'data: {"status":"completed","n":2}'], { open: true }),
  );
  const only = { poll_url_template: undefined, poll_run_id_path: undefined, stream_url_template: '/stream' };
  const record = await run(only);
  expect(record).toMatchObject({
    status: 'succeeded',
    result: { metadata: { last_state: 'completed', polls: '0' } },
  });
  expect(stdout(record)).toBe('one two');
  expect(payload(record)).toEqual({ status: 'completed', n: 2 });
  expect(polls().map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1']);
  backend.on('/stream', status(404));
  expect(summary(await run(only))).toBe('stream: HTTP 404 Not Found');
});

test('the completion URL reaches the backend; its callback ends the run before the next poll', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running'));
  const more = {
    callback: { header: 'X-Done-Url', body_field: 'hooks.done' },
    body: { a: 1 },
    poll_interval_seconds: 3600,
  };
  await start('cb', more);
  await expect.poll(() => polls().length).toBe(1);
  const address = new URL(String(backend.seen[0]?.headers['x-done-url']));
  expect(JSON.parse(backend.seen[0]?.body ?? '')).toEqual({ a: 1, hooks: { done: address.href } });
  const post = (path: string, body: unknown) =>
    app.request({ method: 'POST', url: path, payload: body as object });
  const path = address.pathname + address.search;
  for (const wrong of [
    path.replace(/token=./, 'token=!'),
    path.replace(/.$/, ''),
    path.replace('/cb/', '/other/'),
    `${address.pathname}?token=`,
  ])
    expect((await post(wrong, { status: 'completed' })).statusCode, wrong).toBeGreaterThanOrEqual(400);
  expect(app.engine.status('cb')).toBe('running');
  expect((await post(path, { status: 'running', n: 1 })).statusCode).toBe(204);
  expect((await post(path, { status: 'completed', n: 2 })).statusCode).toBe(204);
  const record = await ended('cb');
  expect(record.status).toBe('succeeded');
  expect(payload(record)).toEqual({ status: 'completed', n: 2 });
  expect((await post(path, { status: 'failed' })).statusCode).toBe(204);
  expect(app.engine.record('cb').status).toBe('succeeded');
  const { searchParams } = address;
  expect(JSON.stringify(record) + JSON.stringify(await app.events('cb'))).not.toContain(
    searchParams.get('token'),
  );
});

test('a callback without a state makes the run poll now', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running', 'completed'));
  await start('cb', { callback: { header: 'x-hook' }, poll_interval_seconds: 3600 });
  await expect.poll(() => polls().length).toBe(1);
  const address = new URL(String(backend.seen[0]?.headers['x-hook']));
  await app.request({ method: 'POST', url: address.pathname + address.search, payload: { news: true } });
  expect((await ended('cb')).status).toBe('succeeded');
});

test('a callback alone is enough where there is nothing to poll, also when it is faster than the kickoff', async () => {
  const only = {
    poll_url_template: undefined,
    poll_run_id_path: undefined,
    callback: { body_field: 'webhook' },
  };
  backend.on('/jobs', async (response, { body }) => {
    const address = new URL(JSON.parse(body).webhook);
    await app.request({
      method: 'POST',
      url: address.pathname + address.search,
      payload: { status: 'completed' },
    });
    await accept()(response, backend.seen[0] as never);
  });
  expect((await run(only)).status).toBe('succeeded');
});

test('a secret that the backend echoes is told nowhere', async () => {
  backend.on('/jobs', accept({ id: 'a1', status: `got ${SECRET}` }));
  backend.on('/jobs/a1', json({ status: 'failed', why: `bad token ${SECRET}`, data: SECRET }));
  const record = await run(
    { auth: { secret: 'TOKEN' }, error_path: 'why', output_path: 'data', log_path: 'why' },
    { invocation_id: 'x' },
  );
  expect(summary(record)).toContain('bad token [redacted]');
  const told = JSON.stringify([
    record,
    await app.events('x'),
    payload(record),
    stdout(record),
    stderr(record),
  ]);
  expect(told).not.toContain(SECRET);
});

test('a growing log becomes stderr, once', async () => {
  backend.on('/jobs', accept());
  backend.on(
    '/jobs/a1',
    json({ status: 'r', log: 'öne\n' }),
    json({ status: 'r', log: 'öne\ntwo\n' }),
    json({ status: 'completed', log: 'öne\ntwo\n' }),
  );
  expect(stderr(await run({ log_path: 'log' }))).toBe('öne\ntwo\n');
});

test('the preset replicate follows a prediction: output, logs, errors, cancel', async () => {
  const replicate = {
    preset: 'replicate',
    url: `${backend.url}/v1/predictions`,
    auth: { secret: 'TOKEN' },
    body: { version: 'v', input: {} },
    poll_interval_seconds: 0.01,
  };
  const prediction = (status: string, more = {}) => ({
    id: 'p1',
    status,
    output: null,
    error: null,
    logs: '',
    ...more,
  });
  const create = (options = replicate) =>
    app.run({ runtime_kind: 'http_async', options: { http_async: options } });
  backend.on('/v1/predictions', json(prediction('starting'), 201));
  backend.on(
    '/v1/predictions/p1',
    json(prediction('processing', { logs: 'step 1\n' })),
    json(prediction('succeeded', { logs: 'step 1\nstep 2\n', output: ['Hel', 'lo'] })),
  );
  const done = await create();
  expect(done).toMatchObject({ status: 'succeeded', result: { exit_code: 0, metadata: { run_id: 'p1' } } });
  expect([stdout(done), stderr(done)]).toEqual(['Hello', 'step 1\nstep 2\n']);
  expect(backend.seen.every(({ headers }) => headers.authorization === `Bearer ${SECRET}`)).toBe(true);

  backend.on('/v1/predictions/p1', json(prediction('failed', { error: 'out of memory' })));
  const failed = await create();
  expect(summary(failed)).toBe('backend reported terminal status: failed: out of memory');
  backend.on('/v1/predictions/p1', json(prediction('canceled')));
  expect((await create()).status).toBe('cancelled');

  backend.on('/v1/predictions/p1', json(prediction('processing')));
  backend.on('/v1/predictions/p1/cancel', json(prediction('canceled')));
  const record = await app.run({
    runtime_kind: 'http_async',
    timeout_seconds: 0.2,
    options: { http_async: replicate },
  });
  expect(record.result?.metadata.cancel).toBe('HTTP 200 OK');

  backend.on('/v1/predictions', json(prediction('starting', { urls: { stream: `${backend.url}/s` } }), 201));
  backend.on('/v1/predictions/p1', json(prediction('succeeded', { output: ['a', 'b'] })));
  backend.on('/s', events(['event: output\ndata: a', 'event: output\ndata: b', 'event: done\ndata: {}']));
  backend.on(
    '/v1/predictions/p1',
    json(prediction('processing')),
    json(prediction('succeeded', { output: ['a', 'b'] })),
  );
  expect(stdout(await create({ ...replicate, poll_interval_seconds: 0.3 }))).toBe('ab');
});

test('a job that runs on while the server is down is watched on by the next', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', json({ status: 'running', log: 'one\n' }));
  await start('long', { log_path: 'log' });
  await expect.poll(() => app.engine.record('long').status).toBe('running');
  await expect.poll(() => readFileSync(app.engine.directory('long').stderr, 'utf8')).toBe('one\n');
  const dataDir = await app.crash();
  backend.on('/jobs/a1', json({ status: 'completed', log: 'one\ntwo\n' }));
  app = buildEngine({ runners: [runner()], dataDir });
  const record = await ended('long');
  expect(record).toMatchObject({ status: 'succeeded', result: { metadata: { run_id: 'a1' } } });
  expect(stderr(record)).toBe('one\ntwo\n');
  expect(backend.seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
  const told = await app.events('long');
  expect(told.map(({ seq }) => seq)).toEqual(told.map((_, index) => index + 1));
  expect(told.flatMap((event) => (event.type === 'progress' ? [event.message] : []))).toEqual([
    'running',
    'completed',
  ]);
});

test('a kickoff that was under way when the server died is not sent again, and is said to be unknown', async () => {
  backend.on('/jobs', hang());
  await start('gone');
  await expect.poll(() => backend.seen.length).toBe(1);
  const dataDir = await app.crash();
  app = buildEngine({ runners: [runner()], dataDir });
  const record = await ended('gone');
  expect(record).toMatchObject({
    status: 'failed',
    outcome: { ended: 'lost', started: true, retry_safe: false },
  });
  expect(summary(record)).toContain('not known whether the backend took the job');
  expect(backend.seen).toHaveLength(1);
});

test('a run that is cancelled after the server came back cancels its job', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running'));
  backend.on('/jobs/a1/cancel', status(200));
  await start('back', { cancel: { url_template: '/jobs/{run_id}/cancel' } });
  await expect.poll(() => polls().length).toBeGreaterThan(1);
  const dataDir = await app.crash();
  app = buildEngine({ runners: [runner()], dataDir });
  const before = backend.seen.length;
  await expect.poll(() => backend.seen.length).toBeGreaterThan(before);
  app.engine.cancel('back');
  expect(await ended('back')).toMatchObject({
    status: 'cancelled',
    result: { metadata: { cancel: 'HTTP 200 OK' } },
  });
});

/** A stream-only run whose server dies when 'one two ' is written; the next one connects to `after`. */
async function streamedOver(
  before: string[],
  after: string[],
  meanwhile: (journal: string) => void = () => {},
) {
  backend.on('/jobs', accept());
  const first: Answer = async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const text of before) {
      response.write(`${text}\n\n`);
      await sleep(100); // each is a piece of its own
    }
  };
  backend.on('/stream', first, events(after));
  await start('s', {
    poll_url_template: undefined,
    poll_run_id_path: undefined,
    stream_url_template: '/stream',
  });
  const { stdout: capture, journal } = app.engine.directory('s');
  await expect.poll(() => existsSync(capture) && readFileSync(capture, 'utf8')).toBe('one two ');
  const dataDir = await app.crash();
  meanwhile(journal);
  const connections = polls().length;
  app = buildEngine({ runners: [runner()], dataDir });
  const record = await ended('s');
  return { record, asked: polls()[connections]?.headers['last-event-id'] };
}

const end = 'data: {"status":"completed"}';

test('a stream is taken up by the next server behind the last event that the earlier one had taken', async () => {
  const { record, asked } = await streamedOver(
    ['id: 1\ndata: one ', 'id: 2\ndata: two '],
    ['id: 3\ndata: three', end],
  );
  expect(record.status).toBe('succeeded');
  expect([asked, stdout(record)]).toEqual(['2', 'one two three']);
});

test('what the earlier server wrote of a stream and had no time to note is not written twice', async () => {
  const { record, asked } = await streamedOver(
    ['id: 1\ndata: one ', 'id: 2\ndata: two '],
    ['id: 2\ndata: two ', 'id: 3\ndata: three', end],
    (journal) => {
      const lines = readFileSync(journal, 'utf8').split('\n');
      writeFileSync(journal, lines.filter((line) => !line.startsWith('{"stream":{"id":"2"')).join('\n'));
    },
  );
  expect([asked, stdout(record)]).toEqual(['1', 'one two three']);
});

test('a stream whose events have no ids is taken as it comes, by the next server too', async () => {
  const { record, asked } = await streamedOver(['data: one ', 'data: two '], ['data: three', end]);
  expect([asked, stdout(record)]).toEqual([undefined, 'one two three']);
});
