import { expect, test } from 'vitest';
import { buildEngine } from '../../helpers/build-engine.ts';
import { fake, heldRunner } from '../../helpers/fake-runner.ts';

test('the same id with the same body joins the run, whatever the order of its keys', async () => {
  await using server = buildEngine();
  const first = await server.post({ invocation_id: 'a', ...fake({ sleep_ms: 20 }) });
  const second = await server.post({ ...fake({ sleep_ms: 20 }), invocation_id: 'a' });
  expect(first.headers['idempotency-replayed']).toBeUndefined();
  expect(second.headers['idempotency-replayed']).toBe('true');
  expect(second.headers.location).toBe('/invocations/a');
  expect((await server.get('/invocations')).json().items).toHaveLength(1);
});

test('many at the same moment with the same id make one run, and all get its result', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner] });
  const body = { runtime_kind: 'held', invocation_id: 'a' };
  const posts = Array.from({ length: 20 }, () => server.post(body, {}, '?wait=30'));
  await expect.poll(() => held.started).toEqual(['a']);
  held.release('a');
  const answers = await Promise.all(posts);
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 200));
  expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(19);
  expect(held.started).toEqual(['a']);
});

test('the same id joins a finished run too, and does not run it again', async () => {
  await using server = buildEngine();
  const done = await server.run(fake({ logs: ['once'] }, { invocation_id: 'a' }));
  const again = await server.post(fake({ logs: ['once'] }, { invocation_id: 'a' }));
  expect(again.statusCode).toBe(200);
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(again.json()).toEqual(done);
});

test('the same id with another body is a conflict, while it runs and when it has finished', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner] });
  const body = { runtime_kind: 'held', invocation_id: 'a' };
  await server.post(body);
  const other = { ...body, timeout_seconds: 9 };
  expect((await server.post(other)).json()).toMatchObject({ status: 409, code: 'invocation_conflict' });
  held.release('a');
  await server.engine.waitFinished('a', 10_000);
  expect((await server.post(other)).json()).toMatchObject({ status: 409, code: 'invocation_conflict' });
});

test('an id and its body are remembered by the next server, finished or not', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  await server.run(fake({ logs: ['x'] }, { invocation_id: 'done' }));
  await server.post({ runtime_kind: 'held', invocation_id: 'working' });
  await server.post(fake({}, { invocation_id: 'waiting' }), { 'idempotency-key': 'k' });
  const after = heldRunner();
  const dataDir = await server.crash();
  await using next = buildEngine({ runners: [after.runner], dataDir });
  const joined = await next.post(fake({ logs: ['x'] }, { invocation_id: 'done' }));
  expect(joined.headers['idempotency-replayed']).toBe('true');
  expect(joined.json().status).toBe('succeeded');
  expect((await next.post(fake({}, { invocation_id: 'done' }))).statusCode).toBe(409);
  const waited = await next.post(
    fake({}, { invocation_id: 'waiting' }),
    { 'idempotency-key': 'k' },
    '?wait=9',
  );
  expect(waited.headers['idempotency-replayed']).toBe('true');
  expect(waited.json().status).toBe('succeeded');
});

test('a key joins the run it made, also while that runs, and another body with it is refused', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner] });
  const key = { 'idempotency-key': '"key-1"' };
  const first = await server.post({ runtime_kind: 'held' }, key);
  const id = first.json().invocation.invocation_id as string;
  const second = await server.post({ runtime_kind: 'held' }, { 'idempotency-key': 'key-1' });
  expect(second.headers['idempotency-replayed']).toBe('true');
  expect(second.json().invocation.invocation_id).toBe(id);
  const other = await server.post({ runtime_kind: 'held', timeout_seconds: 1 }, key);
  expect(other.json()).toMatchObject({ status: 422, code: 'idempotency_key_conflict' });
  held.release(id);
  await server.engine.waitFinished(id, 10_000);
  const third = await server.post({ runtime_kind: 'held' }, key);
  expect(third.json()).toMatchObject({ status: 'succeeded', invocation: { invocation_id: id } });
});

test('many at the same moment with the same key make one run', async () => {
  await using server = buildEngine();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => server.post(fake(), { 'idempotency-key': 'k' }, '?wait=30')),
  );
  const ids = new Set(answers.map((answer) => answer.json().invocation.invocation_id));
  expect(ids.size).toBe(1);
  expect((await server.get('/invocations')).json().items).toHaveLength(1);
});

test('a key that came with the id of a run which was there is bound to it, also for the next server', async () => {
  await using server = buildEngine();
  const made = fake({}, { invocation_id: 'a' });
  const other = fake({ exit_code: 1 });
  await server.post(made, { 'idempotency-key': 'first' });
  const joined = await server.post(made, { 'idempotency-key': 'second' });
  expect(joined.headers['idempotency-replayed']).toBe('true');
  await server.engine.waitFinished('a', 10_000);
  const dataDir = await server.crash();
  await using next = buildEngine({ dataDir });
  for (const key of ['first', 'second'])
    for (const body of [other, { ...other, invocation_id: 'b' }, { ...made, invocation_id: 'b' }])
      expect((await next.post(body, { 'idempotency-key': key })).json()).toMatchObject({
        status: 422,
        code: 'idempotency_key_conflict',
      });
  expect((await next.post(made, { 'idempotency-key': 'second' })).statusCode).toBe(200);
  expect((await next.get('/invocations')).json().items).toHaveLength(1);
});

test('a key of one run does not join another by its id', async () => {
  await using server = buildEngine();
  for (const id of ['a', 'b']) await server.post(fake({}, { invocation_id: id }), { 'idempotency-key': id });
  const crossed = await server.post(fake({}, { invocation_id: 'b' }), { 'idempotency-key': 'a' });
  expect(crossed.json()).toMatchObject({ status: 422, code: 'idempotency_key_conflict' });
});

test('a run is joined with so many keys and no more, and gives them free when it is removed', async () => {
  await using server = buildEngine();
  const made = fake({}, { invocation_id: 'a' });
  await server.run(made);
  const join = (n: number) => server.post(made, { 'idempotency-key': `k-${n}` });
  for (let n = 0; n < 100; n++) expect((await join(n)).statusCode).toBe(200);
  expect((await join(100)).json()).toMatchObject({ status: 422, code: 'idempotency_key_conflict' });
  expect((await join(99)).statusCode).toBe(200);
  await server.engine.remove('a');
  const freed = await server.post(fake({ exit_code: 1 }), { 'idempotency-key': 'k-99' });
  expect(freed.headers['idempotency-replayed']).toBeUndefined();
});

test('an id that another run has makes a key useless: the key stays free', async () => {
  await using server = buildEngine();
  await server.run(fake({}, { invocation_id: 'a' }));
  const key = { 'idempotency-key': 'k' };
  expect((await server.post(fake({ exit_code: 1 }, { invocation_id: 'a' }), key)).statusCode).toBe(409);
  expect((await server.post(fake({ exit_code: 1 }, { invocation_id: 'b' }), key)).statusCode).toBe(202);
});

test('an id that the server made sorts by time', async () => {
  await using server = buildEngine();
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push((await server.run(fake())).invocation.invocation_id);
  const times = ids.map((id) => id.slice(0, 13)); // ms: RFC 9562, 5.7
  expect([...times].sort()).toEqual(times);
  expect(new Set(ids).size).toBe(5);
});

test('what this server does not understand of an earlier run is its refusal, not the end of the start', async () => {
  const held = heldRunner();
  await using server = buildEngine({ runners: [held.runner], config: { RUNWIRE_MAX_CONCURRENT: '1' } });
  await server.post({ runtime_kind: 'held', invocation_id: 'working' });
  await server.post({ runtime_kind: 'held', invocation_id: 'waiting' });
  const dataDir = await server.crash();
  const strict = { ...held.runner, needsCommand: true };
  await using next = buildEngine({ runners: [strict], dataDir });
  for (const id of ['working', 'waiting']) await next.engine.waitFinished(id, 10_000);
  expect(next.engine.record('waiting').result).toMatchObject({
    status: 'rejected',
    error_summary: 'command: is needed by this kind',
  });
  expect(next.engine.record('working')).toMatchObject({
    status: 'failed',
    outcome: { ended: 'lost', started: true, retry_safe: false },
  });
});
