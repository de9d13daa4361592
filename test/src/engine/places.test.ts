import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildApp } from '../../helpers/build-app.ts';
import { buildEngine, type TestEngine } from '../../helpers/build-engine.ts';
import { heldRunner } from '../../helpers/fake-runner.ts';

const NARROW = { RUNWIRE_MAX_CONCURRENT: '2', RUNWIRE_MAX_CALLS: '3', RUNWIRE_MAX_QUEUE: '2' };

const kinds = () => {
  const programs = heldRunner({ kind: 'program' });
  const calls = heldRunner({ kind: 'call', places: 'calls' });
  return { programs, calls, runners: [programs.runner, calls.runner] };
};
let held: ReturnType<typeof kinds>;
let server: TestEngine;
beforeEach(() => {
  held = kinds();
  server = buildEngine({ runners: held.runners, config: NARROW });
});
afterEach(() => server[Symbol.asyncDispose]());

const submit = async (kind: string, ...ids: string[]) => {
  for (const id of ids) {
    const { statusCode } = await server.post({ runtime_kind: kind, invocation_id: id });
    expect(statusCode, id).toBe(202);
  }
};
const waiting = (id: string) => server.engine.record(id).waiting;

test('programs that hang hold no call, and calls that hang hold no program', async () => {
  await submit('program', 'p1', 'p2', 'p3', 'p4');
  await submit('call', 'c1', 'c2', 'c3', 'c4', 'c5');
  expect(held.programs.started).toEqual(['p1', 'p2']);
  expect(held.calls.started).toEqual(['c1', 'c2', 'c3']);
  const refused = async (kind: string) => (await server.post({ runtime_kind: kind })).json();
  expect(await refused('program')).toMatchObject({
    status: 429,
    code: 'queue_full',
    detail: 'the queue is full',
  });
  expect(await refused('call')).toMatchObject({ status: 429, detail: 'the queue of calls is full' });
  held.calls.release('c2');
  await expect.poll(() => held.calls.started).toEqual(['c1', 'c2', 'c3', 'c4']);
  expect(held.programs.started).toEqual(['p1', 'p2']);
  held.programs.release('p1');
  await expect.poll(() => held.programs.started).toEqual(['p1', 'p2', 'p3']);
});

test('a call that waits longer than it may is timed out, and one that is cancelled leaves the line', async () => {
  await submit('call', 'c1', 'c2', 'c3', 'c4');
  const late = { runtime_kind: 'call', invocation_id: 'late', options: { queue_timeout_seconds: 0.05 } };
  expect((await server.run(late)).outcome).toMatchObject({ timeout_reason: 'queue', started: false });
  server.engine.cancel('c4');
  expect(await server.engine.waitFinished('c4', 10_000)).toBe(true);
  expect(held.calls.started).toEqual(['c1', 'c2', 'c3']);
});

test('a pending record says what it waits for, which place it has, and who is before it', async () => {
  await submit('program', 'p1', 'p2', 'p3', 'p4');
  await submit('call', 'c1', 'c2', 'c3', 'c4', 'c5');
  const places = (place: number) => ({ reason: 'places', place, holders: ['p1', 'p2'] });
  const calls = (place: number) => ({ reason: 'calls', place, holders: ['c1', 'c2', 'c3'] });
  const expected = {
    ...{ p1: undefined, p2: undefined, p3: places(1), p4: places(2) },
    ...{ c1: undefined, c2: undefined, c3: undefined, c4: calls(1), c5: calls(2) },
  };
  for (const [id, value] of Object.entries(expected)) {
    expect(waiting(id), id).toEqual(value);
    expect((await server.get(`/invocations/${id}`)).json().waiting, id).toEqual(value);
  }
  const { items } = (await server.get('/invocations')).json();
  const listed = items.map((item: { invocation: { invocation_id: string }; waiting?: unknown }) => [
    item.invocation.invocation_id,
    item.waiting,
  ]);
  expect(Object.fromEntries(listed)).toEqual(expected);
  const again = await server.post({ runtime_kind: 'program', invocation_id: 'p4' });
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(again.json().waiting).toEqual(places(2));
  held.programs.release('p1');
  await expect.poll(() => server.engine.status('p3')).toBe('running');
  expect([waiting('p3'), waiting('p4')]).toEqual([
    undefined,
    { reason: 'places', place: 1, holders: ['p2', 'p3'] },
  ]);
  expect(waiting('p1')).toBeUndefined();
});

test('numbers of places and of who waits are in the metrics', async () => {
  await submit('program', 'p1', 'p2', 'p3');
  await submit('call', 'c1');
  const text = (await server.get('/metrics')).body;
  for (const line of [
    'runwire_places{of="programs"} 2',
    'runwire_places_taken{of="programs"} 2',
    'runwire_places{of="calls"} 3',
    'runwire_places_taken{of="calls"} 1',
    'runwire_runs_waiting{reason="places"} 1',
    'runwire_runs_waiting{reason="calls"} 0',
    'runwire_runs_waiting{reason="draining"} 0',
  ])
    expect(text).toContain(`${line}\n`);
});

test('what waits while the server stops says that, and the next server has both lines as they were', async () => {
  await submit('program', 'p1', 'p2', 'p3', 'p4');
  await submit('call', 'c1', 'c2', 'c3', 'c4', 'c5');
  await server.engine.drain(0);
  expect(waiting('p4')).toEqual({ reason: 'draining', place: 2, holders: [] });
  expect(waiting('c4')).toEqual({ reason: 'draining', place: 1, holders: [] });
  expect(server.engine.numbers().waiting).toMatchObject({ places: 0, calls: 0, draining: 4 });
  const dataDir = await server.crash();
  const next = kinds();
  server = buildEngine({
    runners: next.runners.map((runner) => ({ ...runner, recover: runner.run })),
    dataDir,
    config: { ...NARROW, RUNWIRE_MAX_CONCURRENT: '3', RUNWIRE_MAX_CALLS: '4' },
  });
  await expect
    .poll(() => [next.programs.started, next.calls.started])
    .toEqual([
      ['p1', 'p2', 'p3'],
      ['c1', 'c2', 'c3', 'c4'],
    ]);
  expect(waiting('p4')).toEqual({ reason: 'places', place: 1, holders: ['p1', 'p2', 'p3'] });
  expect(waiting('c5')).toEqual({ reason: 'calls', place: 1, holders: ['c1', 'c2', 'c3', 'c4'] });
});

test('http and http_async take places of calls, and so do the functions of an embedding program; a manual run waits for a worker', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const never = () => new Promise<never>(() => {});
  const app = await buildApp({
    config: { RUNWIRE_MAX_CONCURRENT: '1' },
    dispatchers: { never },
  });
  try {
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const post = async (payload: object) =>
      (await app.app.inject({ method: 'POST', url: '/invocations', payload })).json();
    await post({ runtime_kind: 'http', options: { http: { url } } });
    const job = { url, poll_status_path: 'status', poll_terminal_states: ['done'] };
    await post({ runtime_kind: 'http_async', options: { http_async: job } });
    await post({ runtime_kind: 'manual', options: { manual: { dispatcher: 'never' } } });
    const manual = await post({ runtime_kind: 'manual' });
    const second = await post({ runtime_kind: 'manual' });
    await expect
      .poll(() => app.engine.record(second.invocation.invocation_id).waiting)
      .toEqual({ reason: 'worker', place: 2, holders: [] });
    const pushed = await post({ runtime_kind: 'manual', options: { manual: { dispatch_url: url } } });
    await expect
      .poll(() => app.engine.record(pushed.invocation.invocation_id).waiting)
      .toEqual({ reason: 'worker', place: 1, holders: [] });
    const { places, waiting: counts } = app.engine.numbers();
    expect(places.programs.taken).toBe(0);
    expect(places.calls.taken).toBe(3);
    expect(counts.worker).toBe(3);
    expect((await app.run({ runtime_kind: 'subprocess', command: ['true'] })).status).toBe('succeeded');
    const claim = await app.app.inject({ method: 'POST', url: '/manual/claims', payload: {} });
    expect(claim.json().invocation.invocation_id).toBe(manual.invocation.invocation_id);
    expect(app.engine.record(manual.invocation.invocation_id).waiting).toBeUndefined();
    expect(app.engine.record(second.invocation.invocation_id).waiting?.place).toBe(1);
  } finally {
    await app.end();
    silent.closeAllConnections();
    silent.close();
  }
});
