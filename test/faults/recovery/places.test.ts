import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Backend, json, startBackend } from '../../fixtures/backend.ts';
import { recoveringServer } from '../recovering.ts';

const server = recoveringServer({ RUNWIRE_MAX_CONCURRENT: '1', RUNWIRE_MAX_CALLS: '1' });
let backend: Backend;
beforeEach(async () => {
  backend = await startBackend();
});
afterEach(() => backend[Symbol.asyncDispose]());

test('after kill -9 each run has, or waits for, a place of its own sort: programs and jobs go on, the lines stay', async () => {
  const id = (name: string) => `${name}-${randomUUID()}`;
  let state = 'working';
  backend.on('/jobs', json({ id: 'a1' }, 202));
  backend.on('/jobs/a1', (response, request) => json({ status: state })(response, request));
  const job = (name: string) => ({
    runtime_kind: 'http_async',
    invocation_id: id(name),
    options: {
      http_async: {
        ...{ url: `${backend.url}/jobs`, poll_url_template: '/jobs/{run_id}', poll_run_id_path: 'id' },
        ...{ poll_status_path: 'status', poll_terminal_states: ['completed'], poll_interval_seconds: 0.05 },
      },
    },
  });
  const program = (name: string, command: string) => ({
    ...{ runtime_kind: 'subprocess', invocation_id: id(name) },
    command: ['sh', '-c', command],
    options: { stdin_open: true },
  });
  const holding = await server().submit(program('holding', 'echo begun; read line'));
  await server().wrote(holding, 'begun');
  const second = await server().submit(program('second', 'true'));
  const third = await server().submit(program('third', 'true'));
  const calling = await server().submit(job('calling'));
  const next = await server().submit(job('next'));
  const lines = async () =>
    Promise.all(
      [holding, second, third, calling, next].map(async (run) => (await server().record(run)).waiting),
    );
  const expected = [
    undefined,
    { reason: 'places', place: 1, holders: [holding] },
    { reason: 'places', place: 2, holders: [holding] },
    undefined,
    { reason: 'calls', place: 1, holders: [calling] },
  ];
  await expect.poll(lines).toEqual(expected);
  await server().restart();
  expect(await server().recovery()).toMatchObject({ queued: 3, resumed: 2 });
  expect(await lines()).toEqual(expected);
  state = 'completed';
  for (const run of [calling, next]) expect((await server().ended(run)).status).toBe('succeeded');
  expect((await lines()).slice(0, 3)).toEqual(expected.slice(0, 3));
  await fetch(`${server().url}/invocations/${holding}/stdin?eof=true`, { method: 'POST', body: 'go\n' });
  for (const run of [holding, second, third]) expect((await server().ended(run)).status).toBe('succeeded');
});
