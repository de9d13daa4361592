import { expect, test } from 'vitest';
import { json, status } from '../../fixtures/backend.ts';
import { accept, app, backend, payload, polls, run, states, stdout, summary } from './scene.ts';

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

test.each(['cancelled', 'canceled', 'Canceled', 'CANCELLED'])(
  'the state %s ends the run as cancelled, also where no terminal state is that word',
  async (state) => {
    backend.on('/jobs', accept());
    backend.on('/jobs/a1', ...states('running', state));
    const record = await run({ poll_terminal_states: ['completed', 'failed'] });
    expect(record).toMatchObject({ status: 'cancelled', outcome: { cancelled_by: { by: 'backend' } } });
  },
);

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
