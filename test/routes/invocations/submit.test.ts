import { describe, expect, test } from 'vitest';
import { RunwireError } from '../../../src/documents/errors.ts';
import { stubApp } from '../../helpers/stub-app.ts';

const quick = { runtime_kind: 'subprocess', command: ['true'] };
const held = { runtime_kind: 'subprocess', command: ['hold'] };

describe('POST /invocations', () => {
  test('answers 202 with the record and where it is', async () => {
    await using stub = stubApp();
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', payload: held });
    expect(response.statusCode).toBe(202);
    expect(response.headers.location).toBe('/invocations/run-1');
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(response.headers['x-content-type-options']).toBe('nosniff');
    expect(response.headers['idempotency-replayed']).toBeUndefined();
    expect(response.json()).toEqual(stub.engine.record('run-1'));
  });

  test('?wait answers 200 with the finished record and its timings', async () => {
    await using stub = stubApp();
    const response = await stub.app.inject({ method: 'POST', url: '/invocations?wait=30', payload: quick });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ status: 'succeeded' });
    expect(response.headers['server-timing']).toBe('queue;dur=0.5, run;dur=12');
  });

  test('a wait ends when the run does', async () => {
    await using stub = stubApp();
    const answer = stub.app.inject({
      method: 'POST',
      url: '/invocations',
      headers: { prefer: 'respond-async, wait=30' },
      payload: held,
    });
    await expect.poll(() => stub.engine.has('run-1') && stub.engine.holding('run-1').waits).toBe(1);
    stub.engine.finish('run-1', 'failed', 3);
    const response = await answer;
    expect(response.statusCode).toBe(200);
    expect(response.headers['preference-applied']).toBe('wait=30');
    expect(response.json()).toMatchObject({ status: 'failed', outcome: { exit_code: 3 } });
  });

  test('who does not wait gets 202, however quick the run is', async () => {
    await using stub = stubApp();
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', payload: quick });
    expect([response.statusCode, response.json().status]).toEqual([202, 'succeeded']);
  });

  test('a wait that is too short answers 202', async () => {
    await using stub = stubApp();
    const response = await stub.app.inject({ method: 'POST', url: '/invocations?wait=0.01', payload: held });
    expect(response.statusCode).toBe(202);
    expect(response.headers['server-timing']).toBeUndefined();
    expect(response.json()).toMatchObject({ status: 'running', result: null });
  });

  test('the same id with the same body is the same run, with another body 409', async () => {
    await using stub = stubApp();
    const post = (payload: object) => stub.app.inject({ method: 'POST', url: '/invocations', payload });
    await post({ ...held, invocation_id: 'mine' });
    const again = await post({ ...held, invocation_id: 'mine' });
    expect(again.statusCode).toBe(202);
    expect(again.headers['idempotency-replayed']).toBe('true');
    const other = await post({ ...quick, invocation_id: 'mine' });
    expect(other.statusCode).toBe(409);
    expect(other.json()).toMatchObject({ code: 'invocation_conflict' });
    stub.engine.finish('mine');
    expect((await post({ ...held, invocation_id: 'mine' })).statusCode).toBe(200);
  });

  test('the same Idempotency-Key, quoted or not, is the same run', async () => {
    await using stub = stubApp();
    const post = (key: string, payload = held) =>
      stub.app.inject({ method: 'POST', url: '/invocations', headers: { 'idempotency-key': key }, payload });
    const first = await post('k-1');
    const again = await post('"k-1"');
    expect(again.headers.location).toBe(first.headers.location);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await post('k-1', quick)).statusCode).toBe(422);
    expect((await post('k-2')).headers.location).not.toBe(first.headers.location);
    const bad = await post(' ');
    expect(bad.statusCode).toBe(400);
    expect(bad.json().errors[0].path).toBe('Idempotency-Key');
  });

  test('a valid traceparent goes to the engine, another is ignored', async () => {
    await using stub = stubApp();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const post = (value: string) =>
      stub.app.inject({
        method: 'POST',
        url: '/invocations',
        headers: { traceparent: value },
        payload: held,
      });
    await post(traceparent);
    expect(stub.engine.trace).toEqual({ traceparent });
    await post('nonsense');
    expect(stub.engine.trace).toEqual({});
  });

  test.each([
    ['Accept-less clients', undefined, 'application/json; charset=utf-8'],
    ['curl', '*/*', 'application/json; charset=utf-8'],
    ['event readers', 'text/event-stream', 'text/event-stream'],
    ['line readers', 'application/x-ndjson', 'application/x-ndjson'],
    ['terminals', 'text/plain', 'text/plain; charset=utf-8'],
    ['those who rather have text', 'application/json;q=0.5, text/plain', 'text/plain; charset=utf-8'],
  ])('%s get what they accept', async (_who, accept, type) => {
    await using stub = stubApp();
    const headers = accept === undefined ? {} : { accept };
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', headers, payload: quick });
    expect(response.headers['content-type']).toBe(type);
    expect(response.headers.location).toBe('/invocations/run-1');
    expect(response.headers['x-content-type-options']).toBe('nosniff');
  });

  test('what cannot be accepted is refused before a run is made', async () => {
    await using stub = stubApp();
    const headers = { accept: 'image/png' };
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', headers, payload: quick });
    expect(response.statusCode).toBe(406);
    expect(stub.engine.has('run-1')).toBe(false);
  });

  test('events begin at 1 and end with finished', async () => {
    await using stub = stubApp();
    const headers = { accept: 'application/x-ndjson' };
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', headers, payload: quick });
    const events = response.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'status'],
      [2, 'status'],
      [3, 'finished'],
    ]);
  });

  test('text is the output and nothing else; how it ended is in the trailers', async () => {
    await using stub = stubApp();
    const headers = { accept: 'text/plain' };
    const answer = stub.app.inject({ method: 'POST', url: '/invocations', headers, payload: held });
    await expect.poll(() => stub.engine.has('run-1')).toBe(true);
    stub.engine.write('run-1', 'stdout', 'one ');
    stub.engine.write('run-1', 'stderr', 'two ');
    stub.engine.write('run-1', 'stdout', 'three');
    stub.engine.finish('run-1', 'failed', 7);
    const response = await answer;
    expect(response.body).toBe('one two three');
    expect(response.trailers).toEqual({ 'runwire-status': 'failed', 'runwire-exit-code': '7' });
  });

  test.each([
    ['draining', 503],
    ['queue_full', 429],
  ] as const)('an engine that is %s answers %i with Retry-After', async (code, status) => {
    await using stub = stubApp();
    stub.engine.refusal = new RunwireError(code, 'Not now.', { retryAfterSeconds: 1.2 });
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', payload: quick });
    expect(response.statusCode).toBe(status);
    expect(response.headers['retry-after']).toBe('2');
    expect(response.json()).toMatchObject({ code, status, detail: 'Not now.' });
  });
});

describe('faulty bodies', () => {
  test('every faulty field is named by its dotted path', async () => {
    await using stub = stubApp();
    const payload = {
      runtime_kind: 'subprocess',
      command: ['a', 5],
      comand: [],
      environment: { 'A=B': 'x' },
      timeout_seconds: -1,
      options: { limits: { cpu_seconds: 0 }, nonsense: true },
    };
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', payload });
    expect(response.statusCode).toBe(422);
    expect(response.headers['content-type']).toBe('application/problem+json');
    const problem = response.json();
    expect(problem).toMatchObject({
      type: 'urn:runwire:problem:invalid_invocation',
      title: 'The invocation is not valid',
      status: 422,
      instance: '/invocations',
      code: 'invalid_invocation',
    });
    expect(problem.errors.map(({ path }: { path: string }) => path).sort()).toEqual([
      'comand',
      'command.1',
      'environment.A=B',
      'options.limits.cpu_seconds',
      'options.nonsense',
      'timeout_seconds',
    ]);
    const byPath = Object.fromEntries(
      problem.errors.map(({ path, message }: { path: string; message: string }) => [path, message]),
    );
    expect(byPath.comand).toBe('is not a known field');
    expect(byPath['environment.A=B']).toBe('a variable name must not be empty or contain = or NUL');
  });

  test.each([
    ['no JSON', '{"a":', 'application/json', 400, 'malformed_json'],
    ['an empty body', '', 'application/json', 422, 'invalid_invocation'],
    ['not an object', '[]', 'application/json', 422, 'invalid_invocation'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'application/json', 400, 'malformed_json'],
    ['a poisoned prototype', '{"__proto__":{"x":1}}', 'application/json', 400, 'malformed_json'],
    ['a form', 'runtime_kind=subprocess', 'application/x-www-form-urlencoded', 415, 'unsupported_media_type'],
    ['text', '{}', 'text/plain', 415, 'unsupported_media_type'],
    ['too long a body', JSON.stringify({ x: 'y'.repeat(3000) }), 'application/json', 413, 'body_too_large'],
  ])('%s is refused', async (_what, payload, type, status, code) => {
    await using stub = stubApp({ maxBodyBytes: 2000 });
    const headers = { 'content-type': type };
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', headers, payload });
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toMatchObject({ code, status, instance: '/invocations' });
  });

  test('a body without a media type or with a coding is refused', async () => {
    await using stub = stubApp();
    const origin = await stub.listen();
    const bare = await fetch(`${origin}/invocations`, { method: 'POST', body: Buffer.from('{}') });
    expect(bare.status).toBe(415);
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const coded = await stub.app.inject({ method: 'POST', url: '/invocations', headers, payload: 'x' });
    expect(coded.statusCode).toBe(415);
  });

  test.each([
    ['{"secret": hunter2}', 'Unexpected token'],
    ['{"secret": "hunter2" 1}', 'at position 21'],
    ['{"secret": "hunter2"', 'at position 20'],
    ['{"__proto__": {"secret": "hunter2"}}', '__proto__'],
  ])('what is wrong with %s is told without repeating the body', async (payload, words) => {
    await using stub = stubApp();
    const headers = { 'content-type': 'application/json' };
    const response = await stub.app.inject({ method: 'POST', url: '/invocations', headers, payload });
    expect(response.statusCode).toBe(400);
    expect(response.json().detail).toContain(words);
    expect(response.body).not.toContain('hunter2');
  });

  test.each([501, 100_000])(
    'a body nested %d levels deep is refused, not a fault of the server',
    async (levels) => {
      await using stub = stubApp();
      const headers = { 'content-type': 'application/json' };
      const body = (deep: number) =>
        `{"runtime_kind":"fake","options":{"docker":{"a":${'['.repeat(deep - 3)}${']'.repeat(deep - 3)}}}}`;
      const post = (payload: string) =>
        stub.app.inject({ method: 'POST', url: '/invocations', headers, payload });
      const refused = await post(body(levels));
      expect(refused.statusCode).toBe(422);
      expect(refused.json()).toMatchObject({ code: 'invalid_invocation', errors: [{ path: '' }] });
      expect((await post(body(500))).statusCode).toBe(202);
    },
  );
});
