import { expect, test } from 'vitest';
import { events, json } from '../../fixtures/backend.ts';
import { accept, app, backend, run, states, stdout, summary } from './scene.ts';

const named = (count: number, name = 'n'): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, at]));

test('an answer of as much as there may be is read', async () => {
  const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, a: 1, b: 2, c: '\n' }));
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', json({ status: 'completed', rows, numbers: Array(500_000).fill(1) }));
  expect((await run()).status).toBe('succeeded');
});

test.each([
  [named(50_001), 'has more than 50000 names'],
  [named(10_001, '\n'), 'has more than 10000 names with an escape in them'],
  [{ lists: Array(200_001).fill([]) }, 'has more than 200000 lists and objects'],
])(
  'one that has too much in it fails the run in words: at a poll, and at the kickoff',
  async (much, words) => {
    backend.on('/jobs', accept());
    backend.on('/jobs/a1', json({ status: 'completed', ...much }));
    const polled = await run();
    expect([polled.status, summary(polled)]).toEqual(['failed', `poll: the answer ${words}`]);
    expect(polled.result?.metadata.polls).toBe('1');
    backend.on('/jobs', json({ id: 'a1', ...much }));
    const kicked = await run();
    expect(kicked.status).toBe('failed');
    expect(summary(kicked)).toContain(`; the answer ${words}`);
  },
);

test('an event of a stream that has too much in it is a text, and its state is not looked for', async () => {
  const much = JSON.stringify({ status: 'failed', ...named(50_001) });
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('running', 'running', 'running', 'completed'));
  backend.on('/stream', events([`event: note\ndata: ${much}`, `data: ${much}`, 'event: done\ndata: {}']));
  const record = await run(
    { stream_url_template: '/stream', poll_interval_seconds: 0.2 },
    { invocation_id: 'much' },
  );
  expect(record.status).toBe('succeeded');
  expect(stdout(record)).toBe(much);
  expect(await app.events('much')).toContainEqual(
    expect.objectContaining({ type: 'progress', message: 'note', data: much }),
  );
});
