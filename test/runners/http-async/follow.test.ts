import { expect, test } from 'vitest';
import { events, status } from '../../fixtures/backend.ts';
import { accept, app, backend, payload, polls, run, states, stdout, summary } from './scene.ts';

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
