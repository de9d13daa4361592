import { expect, test } from 'vitest';
import { drip, hang } from '../../fixtures/backend.ts';
import {
  accept,
  app,
  backend,
  ended,
  payload,
  polls,
  run,
  SECRET,
  spec,
  start,
  states,
  summary,
} from './scene.ts';

test('the deadline holds during kickoff, polls, their bodies and the waits between', async () => {
  const limit = { timeout_seconds: 1.5 };
  backend.on('/jobs', hang());
  const kickoff = await run({}, limit);
  expect(kickoff).toMatchObject({ status: 'timed_out', outcome: { started: true, retry_safe: false } });
  expect(summary(kickoff)).toBe('kickoff exceeded timeout of 1.5 s');
  backend.on('/jobs', accept());
  backend.on('/jobs/a1', hang());
  expect(summary(await run({}, limit))).toBe('poll exceeded timeout of 1.5 s');
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
  const timedOut = await run({ cancel, poll_interval_seconds: 3600 }, { timeout_seconds: 1.5 });
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
