import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { RuntimeEvent } from '../../../src/documents/event.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { own } from '../../helpers/own-id.ts';
import { outputOf } from '../../helpers/run-events.ts';
import { expectInvariants } from '../invariants.ts';
import { recoveringServer } from '../recovering.ts';

const server = recoveringServer({ RUNWIRE_MAX_CONCURRENT: '1' });

/** Says a number every 50 ms until it is told to end, and then `over`. */
const counts = () => [
  'sh',
  '-c',
  'i=0; while [ ! -e "$0" ]; do i=$((i+1)); echo $i; sleep 0.05; done; echo over',
  `${server().dataDir}/go`,
];
const tell = () => writeFileSync(`${server().dataDir}/go`, '');
/** All that it says, as far as it came. */
function counted(text: string): string {
  const lines = text.split('\n').length - 2;
  return `${Array.from({ length: lines }, (_, i) => `${i + 1}\n`).join('')}over\n`;
}
const program = (command: string[], more: Record<string, unknown> = {}) => ({
  runtime_kind: 'subprocess',
  command,
  ...more,
});

function post(body: object, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server().url}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

test('runs that were accepted wait again in their order, and their places are what the server allows', async () => {
  const first = await server().submit(program(counts()));
  await server().wrote(first, '1\n');
  const ids: string[] = [];
  for (let n = 0; n < 12; n++)
    ids.push(
      await server().submit(
        program(['sh', '-c', 'echo $0', String(n)], { invocation_id: own(`w${11 - n}`) }),
      ),
    );
  await server().restart();
  expect(await server().recovery()).toEqual({ queued: 12, resumed: 1, lost: 0 });
  expect(JSON.parse(await server().text('/readyz'))).toMatchObject({ ready: true, running: 1, queued: 12 });
  const late = await server().submit(program(['true']));
  tell();
  const started: string[] = [];
  for (const [n, id] of ids.entries()) {
    const body = program(['sh', '-c', 'echo $0', String(n)], { invocation_id: id });
    const { record } = await expectInvariants({ url: server().url, id, body, wrote: { stdout: `${n}\n` } });
    expect(record.status).toBe('succeeded');
    started.push(String(record.started_at));
  }
  expect(started).toEqual([...started].sort());
  const { started_at: last } = await server().ended(late);
  expect(String(last) >= (started.at(-1) ?? '')).toBe(true);
  expect((await server().ended(first)).result?.exit_code).toBe(0);
});

test('a run that begins at the next server has the trace of the request that it came with', async () => {
  const first = await server().submit(program(['sh', '-c', 'echo up; sleep 1']));
  await server().wrote(first, 'up');
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const traced = program(['sh', '-c', 'echo $TRACEPARENT'], { invocation_id: own('traced') });
  expect((await post(traced, { traceparent })).status).toBe(202);
  await server().restart();
  await server().ended(own('traced'));
  expect(await server().text(`/invocations/${own('traced')}/stdout`)).toBe(`${traceparent}\n`);
});

test('how long a run may wait for a place is counted on while no server lives', async () => {
  const first = await server().submit(program(['sh', '-c', 'echo up; sleep 1.5']));
  await server().wrote(first, 'up');
  const hasty = await server().submit(program(['true'], { options: { queue_timeout_seconds: 1 } }));
  const patient = await server().submit(program(['true'], { options: { queue_timeout_seconds: 600 } }));
  await server().restart(2500); // its place is free by now
  expect(await server().ended(hasty)).toMatchObject({
    status: 'timed_out',
    started_at: null,
    outcome: { timeout_reason: 'queue', started: false, retry_safe: true },
  });
  expect((await server().ended(patient)).status).toBe('succeeded');
});

test('the same id, or the same key, joins the run after the crash; another body is still a conflict', async () => {
  const named = program(counts(), { invocation_id: own('named') });
  const keyed = program(['echo', 'keyed']);
  const key = { 'idempotency-key': '"k-1"' };
  expect((await post(named)).status).toBe(202);
  const { invocation } = (await (await post(keyed, key)).json()) as RunRecord;
  await server().wrote(own('named'), '1\n');
  await server().restart();
  tell();
  for (const [body, headers, id] of [
    [named, {}, own('named')],
    [keyed, key, invocation.invocation_id],
  ] as const) {
    const again = await post(body, { ...headers, prefer: 'wait=50' });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    const record = (await again.json()) as RunRecord;
    expect([record.invocation.invocation_id, record.status]).toEqual([id, 'succeeded']);
  }
  expect((await post({ ...named, command: ['false'] })).status).toBe(409);
  expect((await post({ ...keyed, command: ['false'] }, key)).status).toBe(422);
  const said = await server().text(`/invocations/${own('named')}/stdout`);
  expect(said).toBe(counted(said));
  const { items } = JSON.parse(await server().text('/invocations')) as { items: RunRecord[] };
  expect(items).toHaveLength(2);
});

test('a client that waited for its answer when the server died asks again and gets that of the same run', async () => {
  const command = ['sh', '-c', 'echo $$ >> ran; sleep 2; echo done'];
  const bodies = [
    { body: program(command, { invocation_id: own('waits') }), headers: {} },
    { body: program(['echo', 'queued behind it']), headers: { 'idempotency-key': 'k-2' } },
  ];
  const broken = bodies.map(({ body, headers }) =>
    post(body, { ...headers, prefer: 'wait=50' }).then(
      () => 'answered',
      () => 'broken off',
    ),
  );
  const list = async () => (JSON.parse(await server().text('/invocations')) as { items: RunRecord[] }).items;
  await expect.poll(list, { timeout: 20_000 }).toHaveLength(2);
  await server().crash();
  expect(await Promise.all(broken)).toEqual(['broken off', 'broken off']);
  await server().start();
  for (const { body, headers } of bodies) {
    const again = await post(body, { ...headers, prefer: 'wait=50' });
    expect([again.status, again.headers.get('preference-applied')]).toEqual([200, 'wait=50']);
    expect(((await again.json()) as RunRecord).status).toBe('succeeded');
  }
  expect(await list()).toHaveLength(2);
  const { invocation } = await server().record(own('waits'));
  const ran = await server().submit(program(['cat', `${invocation.working_directory}/ran`]));
  await server().ended(ran);
  expect((await server().text(`/invocations/${ran}/stdout`)).trim().split('\n')).toHaveLength(1);
});

test('a stream that the POST itself answered is taken up with Last-Event-ID, without loss or repeat', async () => {
  const body = program(counts(), { invocation_id: own('streamed') });
  const seen: string[] = [];
  const first = await post(body, { accept: 'text/event-stream' });
  expect(first.headers.get('location')).toBe(`/invocations/${own('streamed')}`);
  await takeEvents(first, seen, 12);
  await server().crash();
  await takeEvents(first, seen).catch(() => {});
  await server().start();
  const second = await streamFrom(seen);
  await takeEvents(second, seen, 6);
  await server().restart(200);
  await takeEvents(second, seen).catch(() => {});
  const third = await streamFrom(seen);
  tell();
  await takeEvents(third, seen);
  const events = seen.map((line) => JSON.parse(line) as RuntimeEvent);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.at(-1)?.type).toBe('finished');
  const stdout = outputOf(events, 'stdout').toString();
  expect(stdout).toBe(counted(stdout));
  await expectInvariants({
    url: server().url,
    id: own('streamed'),
    body,
    seen: [seen],
    wrote: { stdout },
  });
  const past = await fetch(`${server().url}/invocations/${own('streamed')}/events`, {
    headers: { accept: 'text/event-stream', 'last-event-id': String(events.length) },
  });
  expect(past.status).toBe(204);
});

test('the raw output is followed on from the byte where it broke off', async () => {
  const id = await server().submit(program(counts()));
  await server().wrote(id, '3\n');
  const before = await server().text(`/invocations/${id}/stdout`);
  await server().restart(200);
  const rest = await fetch(`${server().url}/invocations/${id}/stdout`, {
    headers: { range: `bytes=${before.length}-` },
  });
  expect(rest.status).toBe(206);
  const now = before + (await rest.text());
  tell();
  const all = await server().text(`/invocations/${id}/stdout?follow=true`);
  expect(all).toBe(counted(all));
  expect(all.slice(0, now.length)).toBe(now);
});

function streamFrom(seen: readonly string[]): Promise<Response> {
  return fetch(`${server().url}/invocations/${own('streamed')}/events`, {
    headers: { accept: 'text/event-stream', 'last-event-id': String(seen.length) },
  });
}

const rests = new WeakMap<Response, { reader: ReadableStreamDefaultReader<Uint8Array>; text: string }>();

/** Read whole events from a stream: as many, or until it ends. Rejects when it breaks off. */
async function takeEvents(
  response: Response,
  into: string[],
  count = Number.POSITIVE_INFINITY,
): Promise<void> {
  if (!response.body) throw new Error('no body');
  const state = rests.get(response) ?? { reader: response.body.getReader(), text: '' };
  rests.set(response, state);
  for (let taken = 0; taken < count; ) {
    const end = state.text.indexOf('\n\n');
    if (end === -1) {
      const { done, value } = await state.reader.read();
      if (done) return;
      state.text += Buffer.from(value).toString('latin1');
      continue;
    }
    const data = /^data: (.*)$/m.exec(state.text.slice(0, end))?.[1];
    state.text = state.text.slice(end + 2);
    if (data === undefined) continue; // a comment
    into.push(data);
    taken++;
  }
}
