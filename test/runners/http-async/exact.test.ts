import { expect, test } from 'vitest';
import { type Answer, status } from '../../fixtures/backend.ts';
import { accept, app, backend, ended, polls, run, start, states, stderr, stdout } from './scene.ts';

/** JSON that is written as the test has it. */
const text =
  (json: string | Buffer, code = 200): Answer =>
  (response) =>
    void response.writeHead(code, { 'content-type': 'application/json' }).end(json);

test.each(['9007199254740993', '1.10', '1e400', '-0', '123456789012345678901234567890'])(
  'the run id %s is polled as it came',
  async (id) => {
    backend.on('/jobs', text(`{"id":${id}}`, 202));
    backend.on(`/jobs/${id}`, ...states('completed'));
    const record = await run();
    expect(record).toMatchObject({ status: 'succeeded', result: { metadata: { run_id: id } } });
    expect(polls().map(({ path }) => path)).toEqual([`/jobs/${id}`]);
  },
);

test('a state that is a number is compared by its digits', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', text('{"status":9007199254740992}'), text('{"status":9007199254740993}'));
  const record = await run({
    poll_terminal_states: ['9007199254740993'],
    poll_success_states: ['9007199254740993'],
  });
  expect(record).toMatchObject({ status: 'succeeded', result: { metadata: { polls: '2' } } });
});

test('the output has the digits of the answer, whole or in part, and every byte of a whole one', async () => {
  backend.on('/jobs', accept());
  const document = Buffer.from(
    '\ufeff{ "status": "completed",\n "out": [9007199254740993, 1.10, {"a": 1e400}] }',
  );
  backend.on('/jobs/a1', text(document));
  expect(stdout(await run({ output_path: 'out' }))).toBe('[9007199254740993, 1.10, {"a": 1e400}]');
  expect(stdout(await run({ output_path: 'out.0' }))).toBe('9007199254740993');
  expect(stdout(await run({ output_path: 'out.0.rawJSON' }))).toBe('');
  expect(stdout(await run())).toBe(document.toString());
  // ISO 8859-1, which JSON must not be: what it says is known, and not a byte is changed.
  const latin1 = Buffer.from('{"status":"completed","name":"J\u00fcrgen"}', 'latin1');
  backend.on('/jobs/a1', text(latin1));
  const record = await run();
  const payload = record.result?.artifacts.find(({ artifact_id }) => artifact_id === 'final_payload');
  expect([record.status, payload?.metadata.size_bytes]).toEqual(['succeeded', String(latin1.length)]);
});

test('a byte order mark is no part of the JSON, in kickoffs and polls', async () => {
  backend.on('/jobs', text('\ufeff{"id":"a1"}', 202));
  backend.on('/jobs/a1', text('\ufeff{"status":"running"}'), text('\ufeff{"status":"completed"}'));
  expect((await run()).status).toBe('succeeded');
});

test('what is compressed unasked is read all the same', async () => {
  const { gzipSync, brotliCompressSync, zstdCompressSync, deflateSync } = await import('node:zlib');
  const coded =
    (coding: string, bytes: Buffer, code = 200): Answer =>
    (response) =>
      void response.writeHead(code, { 'content-encoding': coding }).end(bytes);
  backend.on('/jobs', coded('GZIP', gzipSync('{"id":"a1"}'), 202));
  const running = '{"status":"running"}';
  backend.on(
    '/jobs/a1',
    coded('br', brotliCompressSync(running)),
    coded('zstd', zstdCompressSync(running)),
    coded('deflate', deflateSync(running)),
    coded('identity, gzip', gzipSync(running)),
    coded('gzip', gzipSync(' '.repeat(20_000_000))),
    coded('x-gzip', gzipSync('{"status":"completed"}')),
  );
  expect(await run()).toMatchObject({ status: 'succeeded', result: { metadata: { polls: '6' } } });
  expect(backend.seen.every(({ headers }) => headers['accept-encoding'] === 'identity')).toBe(true);
});

test.each([
  ['/abs?token=1', '/abs?token=1'],
  ['rel', '/v2/rel'],
  ['?run=1', '/v2/jobs?run=1'],
  ['../up/a%20b', '/up/a%20b'],
])('Location: %s is seen from the address that answered, after a redirect too', async (location, path) => {
  backend.on('/jobs', status(307, { location: '/v2/jobs' }));
  const job = status(202, { location });
  const poll = states('completed')[0] ?? job;
  backend.on('/v2/jobs', (response, request) => (request.method === 'POST' ? job : poll)(response, request));
  for (const known of ['/abs', '/v2/rel', '/up/a%20b']) backend.on(known, poll);
  expect((await run({ poll_url_template: undefined, poll_run_id_path: undefined })).status).toBe('succeeded');
  expect(backend.seen.at(-1)?.path).toBe(path);
});

test('so is the address of a stream', async () => {
  backend.on('/jobs', status(307, { location: '/v2/jobs' }));
  backend.on('/v2/jobs', text('{"id":"a1","stream":"live?x"}', 202));
  backend.on(
    '/v2/live',
    (response) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end('data: hello\n\ndata: {"status":"completed"}\n\n'),
  );
  const record = await run({ poll_url_template: undefined, stream_url_path: 'stream' });
  expect(record.status).toBe('succeeded');
  expect(stdout(record)).toBe('hello');
});

test('two places for one job are a question, an empty one is none', async () => {
  const nowhere = { poll_url_template: undefined, poll_run_id_path: undefined };
  backend.on('/jobs', status(202, { location: ['/a', '/b'] }));
  expect((await run(nowhere)).result?.error_summary).toBe('the answer has 2 different location headers');
  backend.on('/jobs', status(202, { location: ['/a', '/a'] }));
  backend.on('/a', ...states('completed'));
  expect((await run(nowhere)).status).toBe('succeeded');
  backend.on('/jobs', status(202, { location: '' }));
  expect((await run(nowhere)).result?.error_summary).toContain('named no address to poll');
});

test('halves of a character are told when they cannot be kept, and joined when the other half comes', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', text('{"status":"completed","out":"a\\ud83db\\ude00"}'));
  const broken = await run({ output_path: 'out' });
  expect(stdout(broken)).toBe('a\ufffdb\ufffd');
  expect(broken.result?.metadata.output_characters_replaced).toBe('2');
  backend.on(
    '/jobs/a1',
    text('{"status":"running","log":"x\\ud83d"}'),
    text('{"status":"completed","log":"x\\ud83d\\ude00"}'),
  );
  const whole = await run({ log_path: 'log' });
  expect(stderr(whole)).toBe('x\ud83d\ude00');
  expect(whole.result?.metadata.output_characters_replaced).toBeUndefined();
});

test('a run id that is half a character ends the run with words', async () => {
  backend.on('/jobs', text('{"id":"\\ud800"}', 202));
  expect((await run()).result?.error_summary).toContain('cannot be part of a URL');
});

test('a kickoff that is redirected to a denied address is rejected, and what answered is told', async () => {
  backend.on('/jobs', status(307, { location: 'http://169.254.169.254/' }));
  await start('denied');
  const record = await ended('denied');
  expect(record).toMatchObject({ status: 'rejected', outcome: { ended: 'rejected', started: true } });
  expect(record.result?.error_summary).toMatch(/^kickoff: HTTP 307 .*not allowed by this server$/);
  expect(app.engine.status('denied')).toBe('rejected');
});
