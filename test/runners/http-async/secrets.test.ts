import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Answer, events, json } from '../../fixtures/backend.ts';
import {
  accept,
  app,
  backend,
  ended,
  nextServer,
  payload,
  run,
  SECRET,
  spec,
  start,
  stderr,
  stdout,
  summary,
} from './scene.ts';

const auth = { secret: 'TOKEN' };
const only = {
  auth,
  poll_url_template: undefined,
  poll_run_id_path: undefined,
  stream_url_template: '/stream',
};
const end = 'data: {"status":"completed"}';
/** How a text grows character by character. */
const growing = (text: string): string[] => Array.from(text, (_, n) => text.slice(0, n + 1));

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

test('nor is any part of one that a log completes bit by bit, and of the log nothing is missing', async () => {
  const log = `key ${SECRET}! r8_abc, ${SECRET}${SECRET.slice(0, 9)}`;
  backend.on('/jobs', accept());
  const polls = growing(log).map((grown) => json({ status: 'running', log: grown }));
  backend.on('/jobs/a1', ...polls, json({ status: 'completed' }));
  const record = await run({ auth, log_path: 'log', poll_interval_seconds: 0 }, { invocation_id: 'log' });
  expect(stderr(record)).toBe(`key [redacted]! r8_abc, [redacted]${SECRET.slice(0, 9)}`);
  const told = (await app.events('log')).flatMap((event) => (event.type === 'stderr' ? [event.text] : []));
  expect(told.join('')).toBe(stderr(record));
});

test('a log that begins anew does not take with it what was held back of the one before', async () => {
  backend.on('/jobs', accept());
  const logs = ['one r8_', 'two'].map((log) => json({ status: 'running', log }));
  backend.on('/jobs/a1', ...logs, json({ status: 'completed', log: 'two!' }));
  const record = await run({ auth, log_path: 'log' });
  expect(stderr(record)).toBe('one r8_two!');
});

test('nor any part of one that a stream brings in pieces, and of the output nothing is missing', async () => {
  const pieces = [...`a ${SECRET} b r8_`].map((data, n) => `id: ${n}\ndata:  ${data === ' ' ? '_' : data}`);
  const plain = pieces.map((piece) => piece.replace(':  ', ': '));
  backend.on('/jobs', accept());
  backend.on('/stream', events([...plain, end]));
  const record = await run(only);
  expect(stdout(record)).toBe('a_[redacted]_b_r8_');
});

test('what was held back when a server died is asked for again by the next one', async () => {
  const [head, tail] = [SECRET.slice(0, 8), SECRET.slice(8)];
  const all = ['id: 1\ndata: one ', `id: 2\ndata: two ${head}`, `id: 3\ndata: ${tail} three`, end];
  const rest: Answer = (response, request) =>
    events(all.slice(Number(request.headers['last-event-id'] ?? 0)))(response, request);
  backend.on('/jobs', accept());
  backend.on('/stream', events(all.slice(0, 2), { open: true }), rest);
  await start('held', only);
  const { stdout: capture } = app.engine.directory('held');
  await expect.poll(() => existsSync(capture) && readFileSync(capture, 'utf8')).toBe('one two ');
  await nextServer();
  expect(stdout(await ended('held'))).toBe('one two [redacted] three');
});

test('nor is the beginning of one told where a text is cut for a summary', async () => {
  const cut = (length: number) => `${'x'.repeat(length - 8)} ${SECRET}`;
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', json({ status: 'failed', why: cut(500) }), json({ status: 'failed' }));
  expect(summary(await run({ auth, error_path: 'why' }))).not.toContain('r8_');
  backend.on('/jobs/a1', (response) => void response.writeHead(403).end(cut(200)));
  expect(summary(await run({ auth }))).toMatch(
    /^poll expected HTTP 200, got HTTP 403 Forbidden: x+ \[redact…$/,
  );
});

test('an address of an asset that the backend echoes is told nowhere', async () => {
  await app.request({
    ...{ method: 'PUT', url: '/assets/model', payload: 'weights' },
    headers: { 'content-type': 'text/plain' },
  });
  let address = '';
  backend.on('/jobs', (response, request) => {
    ({ model: address } = JSON.parse(request.body) as { model: string });
    accept({ id: 'a1', status: `got ${address}` })(response, request);
  });
  backend.on('/jobs/a1', (response, request) =>
    json({ status: 'failed', why: `cannot read ${address}`, data: address })(response, request),
  );
  const http_async = spec({
    ...{ body: { model: '{{static:model}}' }, error_path: 'why', output_path: 'data', log_path: 'why' },
  });
  const record = await app.run({
    ...{ invocation_id: 'asset', runtime_kind: 'http_async' },
    options: { http_async, assets: { model: {} } },
  });
  expect(address).toContain('/assets/model@1/content?run=asset&expires=');
  expect(summary(record)).toContain('cannot read [redacted]');
  const told = [record, await app.events('asset'), payload(record), stdout(record), stderr(record)];
  expect(JSON.stringify(told)).not.toMatch(/signature/);
});
