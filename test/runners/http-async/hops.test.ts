import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Backend, json, redirect, startBackend, status } from '../../fixtures/backend.ts';
import { accept, app, backend, ended, nextServer, run, start, states, summary } from './scene.ts';

/** Another origin than that of the scene's backend. */
let other: Backend;
beforeEach(async () => {
  other = await startBackend();
});
afterEach(() => other[Symbol.asyncDispose]());

test.each(['X-Ours', 'Accept', 'User-Agent', 'Content-Type', 'Accept-Language', 'Accept-Encoding'])(
  'neither the callback address nor the id of the run goes to another origin as %s',
  async (header) => {
    backend.on('/jobs', redirect('/again', 307));
    backend.on('/again', redirect(`${other.url}/jobs`, 307));
    backend.on('/jobs/a1', ...states('completed'));
    other.on('/jobs', accept());
    for (const ours of [{ callback: { header } }, { idempotency_header: header }]) {
      const { status: end, invocation } = await run({ ...ours, body: 1 });
      expect(end).toBe('succeeded');
      const name = header.toLowerCase();
      const mine = invocation.invocation_id;
      expect(backend.seen.filter(({ headers }) => String(headers[name]).includes(mine)).length).toBe(2);
      expect(JSON.stringify(other.seen)).not.toContain(mine);
      backend.seen.length = 0;
    }
  },
);

test('a trace is not told to an address that the backend names on another origin', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  backend.on('/jobs', json({}, 202, { location: `${other.url}/poll` }));
  other.on('/poll', ...states('completed'));
  const { status: end } = await run(
    { poll_url_template: undefined },
    { environment: { TRACEPARENT: traceparent } },
  );
  expect([end, backend.seen[0]?.headers.traceparent]).toEqual(['succeeded', traceparent]);
  expect(other.seen[0]?.headers.traceparent).toBeUndefined();
});

test('a body is sent on by 307 as it is, with the callback address that the invocation has put there', async () => {
  backend.on('/jobs', redirect(`${other.url}/jobs`, 307));
  other.on('/jobs', accept());
  backend.on('/jobs/a1', ...states('completed'));
  await run({ body: {}, callback: { body_field: 'done' } });
  expect(other.seen[0]?.body).toBe(backend.seen[0]?.body);
});

test('a job that nobody can tell of is not waited for: its callback address was dropped on the way', async () => {
  const alone = { poll_url_template: undefined, poll_run_id_path: undefined };
  backend.on('/jobs', redirect(`${other.url}/jobs`, 307));
  other.on('/jobs', accept());
  const words =
    'the kickoff was redirected to where the callback address does not go, and named no address to poll';
  expect(summary(await run({ ...alone, callback: { header: 'X-Done' } }))).toBe(words);
  backend.on('/jobs', redirect('/made', 303));
  backend.on('/made', accept());
  expect(summary(await run({ ...alone, body: {}, callback: { body_field: 'done' } }))).toBe(words);
});

test('a kickoff that went to where it is not known again is not sent again by a later server', async () => {
  backend.on('/jobs', redirect(`${other.url}/jobs`, 307));
  other.on('/jobs', () => {}); // for ever
  await start('left', { idempotency_header: 'Idempotency-Key' });
  await expect.poll(() => other.seen.length).toBe(1);
  await nextServer(() => other.on('/jobs', accept()));
  const record = await ended('left');
  expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'lost', retry_safe: false } });
  expect([backend.seen.length, other.seen.length]).toEqual([1, 1]);
  expect(app.engine.status('left')).toBe('failed');
});

test('nor by one that sent it again, and was answered by the other origin that it is busy', async () => {
  let died = false;
  backend.on('/jobs', (response, request) =>
    died ? redirect(`${other.url}/jobs`, 307)(response, request) : undefined,
  );
  other.on('/jobs', status(503), accept());
  await start('busy', { idempotency_header: 'Idempotency-Key' });
  await expect.poll(() => backend.seen.length).toBe(1);
  await nextServer(() => {
    died = true;
  });
  expect(summary(await ended('busy'))).toContain('HTTP 503');
  expect(other.seen.length).toBe(1);
});
