import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Answer, events, hang, json, status } from '../../fixtures/backend.ts';
import {
  accept,
  app,
  backend,
  ended,
  nextServer,
  polls,
  start,
  states,
  stderr,
  stdout,
  summary,
} from './scene.ts';

test('a job that runs on while the server is down is watched on by the next', async () => {
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', json({ status: 'running', log: 'one\n' }));
  await start('long', { log_path: 'log' });
  await expect.poll(() => app.engine.record('long').status).toBe('running');
  await expect.poll(() => readFileSync(app.engine.directory('long').stderr, 'utf8')).toBe('one\n');
  await nextServer(() => backend.on('/jobs/a1', json({ status: 'completed', log: 'one\ntwo\n' })));
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
  await nextServer();
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
  await nextServer();
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
  let connections = 0;
  await nextServer(() => {
    meanwhile(journal);
    connections = polls().length;
  });
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
