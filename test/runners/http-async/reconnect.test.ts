import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reconnectMs } from '../../../runners/http-async/follow.ts';
import { type Answer, events } from '../../fixtures/backend.ts';
import { accept, app, backend, ended, nextServer, polls, run, start, stdout, summary } from './scene.ts';

const only = { poll_url_template: undefined, poll_run_id_path: undefined, stream_url_template: '/stream' };
const retry = 'retry: 1';
const end = 'data: {"status":"completed"}';
const messages = async (id: string) =>
  (await app.events(id)).flatMap((event) => (event.type === 'progress' ? [event.message] : []));
const asked = () => polls().map(({ headers }) => headers['last-event-id']);

/** Events with these ids, whose data is the id and a space. */
const numbered = (...ids: number[]): string[] => ids.map((id) => `id: ${id}\ndata: ${id} `);

test('a backend that begins from the start, whatever it is asked for, doubles nothing', async () => {
  backend.on('/jobs', accept());
  backend.on(
    '/stream',
    events([retry, ...numbered(1, 2)]),
    events(numbered(1)),
    events([...numbered(1, 2, 3), 'id: 3\nevent: note\ndata: {"n":1}', 'id: 4\ndata: {"status":"running"}']),
    events([
      ...numbered(1, 2, 3),
      'id: 3\nevent: note\ndata: {"n":1}',
      'id: 4\ndata: {"status":"running"}',
      ...numbered(5),
      end,
    ]),
  );
  const record = await run(only, { invocation_id: 'anew' });
  expect([record.status, stdout(record)]).toEqual(['succeeded', '1 2 3 5 ']);
  expect(asked()).toEqual([undefined, '2', '2', '4']);
  expect(await messages('anew')).toEqual(['note', 'running', 'completed']);
});

test('one that begins some events back doubles nothing either', async () => {
  backend.on('/jobs', accept());
  backend.on('/stream', events([retry, ...numbered(1, 2, 3, 4)]), events([...numbered(3, 4, 5), end]));
  expect(stdout(await run(only))).toBe('1 2 3 4 5 ');
});

test('however many events there were, those of a stream that begins from the start are known', async () => {
  const many = Array.from({ length: 20_000 }, (_, n) => n + 1);
  backend.on('/jobs', accept());
  backend.on('/stream', events([retry, ...numbered(...many)]), events([...numbered(...many, 20_001), end]));
  expect(stdout(await run(only))).toBe([...many, 20_001].map((n) => `${n} `).join(''));
});

test('another stream under the same ids is told from where it is another one, and that is said', async () => {
  backend.on('/jobs', accept());
  backend.on(
    '/stream',
    events([retry, ...numbered(1, 2, 3)]),
    events(['id: 1\ndata: 1 ', 'id: 2\ndata: two ', 'id: 3\ndata: three ', end]),
  );
  const record = await run(only, { invocation_id: 'another' });
  expect(stdout(record)).toBe('1 2 3 two three ');
  expect(await messages('another')).toEqual([expect.stringContaining('is another one now'), 'completed']);
});

test('without ids nobody can tell what is a repeat: it is told, and said', async () => {
  backend.on('/jobs', accept());
  backend.on('/stream', events([retry, 'data: a']), events(['data: a', 'data: b', end]));
  const record = await run(only, { invocation_id: 'nameless' });
  expect(stdout(record)).toBe('aab');
  expect(await messages('nameless')).toEqual([expect.stringContaining('they may be repeats'), 'completed']);
});

test('a later server doubles nothing of a stream that begins from the start', async () => {
  const open: Answer = events(numbered(1, 2, 3), { open: true });
  backend.on('/jobs', accept());
  backend.on('/stream', open, events([retry, ...numbered(1, 2, 3, 4), end]));
  await start('later', only);
  const { stdout: capture } = app.engine.directory('later');
  await expect.poll(() => existsSync(capture) && readFileSync(capture, 'utf8')).toBe('1 2 3 ');
  await nextServer();
  const record = await ended('later');
  expect(stdout(record)).toBe('1 2 3 4 ');
  expect(asked()).toEqual([undefined, '3']);
});

test.each([
  ['the same again', [retry, 'data: same']],
  ['the same again under an id', [retry, 'id: 1\ndata: same']],
  ['comments', [retry, ': still here']],
])('a stream that brings %s and ends is given up in the end', async (_name, texts) => {
  backend.on('/jobs', accept());
  backend.on('/stream', events(texts));
  const record = await run({ ...only, poll_transient_limit: 2 }, { timeout_seconds: 20 });
  expect(record.status).toBe('failed');
  expect(summary(record)).toBe('the stream ended before the job');
});

test('one that brings something new each time is followed on', async () => {
  backend.on('/jobs', accept());
  const pieces = Array.from({ length: 8 }, (_, n) => events(['retry: 0', `data: ${n}`]));
  backend.on('/stream', ...pieces, events([end]));
  expect(stdout(await run({ ...only, poll_transient_limit: 2 }))).toBe('01234567');
});

test('waits begin with what the stream asks for and grow up to a minute; a refusal may ask for more', () => {
  const none = { head: null };
  const busy = { head: { status: 503, statusText: '', headers: { 'retry-after': '120' } } };
  const within = (retryMs: number, failures: number, least: number) => {
    const ms = reconnectMs(retryMs, failures, none);
    expect(ms).toBeGreaterThanOrEqual(least);
    expect(ms).toBeLessThanOrEqual(least * 1.1);
  };
  within(0, 0, 100);
  within(3000, 0, 3000);
  within(3000, 2, 12_000);
  within(3000, 1000, 60_000);
  within(600_000, 0, 60_000);
  expect(reconnectMs(1000, 0, busy)).toBe(120_000);
});
