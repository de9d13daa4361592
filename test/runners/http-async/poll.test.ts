import { expect, test } from 'vitest';
import {
  type Answer,
  drip,
  hang,
  json,
  redirect,
  reset,
  startBackend,
  status,
} from '../../fixtures/backend.ts';
import { accept, app, backend, ended, run, SECRET, start, states, stderr, summary } from './scene.ts';

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
  ['HTML', status(200, {}, '<html>'), 'poll response is not JSON: <html>'],
  [
    'JSON without a state',
    json({ other: 1 }),
    'poll response has no state at http.poll_status_path: {"other":1}',
  ],
  ['nothing', status(200), 'poll: HTTP 200 OK without content'],
  ['204', status(204), 'poll: HTTP 204 No Content without content'],
  ['500', status(500, {}, 'oops'), 'poll: HTTP 500 Internal Server Error'],
  ['408', status(408), 'poll: HTTP 408 Request Timeout'],
  ['425', status(425), 'poll: HTTP 425 Too Early'],
  ['524, as a CDN says it', status(524), 'poll: HTTP 524 unknown'],
  [
    'a coding that nobody knows',
    status(200, { 'content-encoding': 'rot13' }, '{}'),
    'poll: the answer has the Content-Encoding rot13, which is not known',
  ],
  [
    'what is not the coding that it says',
    status(200, { 'content-encoding': 'gzip' }, '{"status":"completed"}'),
    'poll: the answer cannot be read: it is not gzip, or too long',
  ],
])('an odd answer (%s) says nothing of the job: it is borne, and told', async (_name, odd, words) => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', odd, odd, ...states('running'), odd, ...states('completed'));
  await start('odd', { poll_transient_limit: 2 });
  expect((await ended('odd')).status).toBe('succeeded');
  const told = (await app.events('odd')).flatMap((event) =>
    event.type === 'progress' && event.message?.endsWith(': asked again') ? [event] : [],
  );
  expect(told.map(({ message, data }) => [message, data])).toEqual([
    [`${words}: asked again`, { transient: 1 }],
    [`${words}: asked again`, { transient: 1 }],
  ]);
  backend.on('/jobs/a1', odd);
  const record = await run({ poll_transient_limit: 1 });
  expect(record.status).toBe('failed');
  expect(summary(record)).toBe(`${words}, 2 times in a row`);
});

test.each([400, 401, 403, 404, 410, 422])('%s is an answer about the job: the run fails', async (code) => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', status(code, {}, 'why'));
  const record = await run();
  expect(record).toMatchObject({ status: 'failed', result: { metadata: { polls: '1' } } });
  expect(summary(record)).toMatch(new RegExp(`^poll expected HTTP 200, got HTTP ${code} .*: why$`));
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
