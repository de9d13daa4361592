import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'vitest';
import type { RuntimeEvent } from '../../src/documents/event.ts';
import type { Outcome } from '../../src/documents/outcome.ts';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import type { RuntimeResult } from '../../src/documents/result.ts';
import { CHANNELS, type Channel, isOfSetup, streamOf } from '../../src/documents/stream.ts';
import { until } from '../helpers/processes.ts';
import { outputOf, parseEvents } from '../helpers/run-events.ts';
import { expectReasons } from '../helpers/sound-run.ts';

/** A run that was accepted, and all that is known of it outside of the server. */
export interface Witness {
  /** Of the server that lives now: http://127.0.0.1:PORT */
  url: string;
  id: string;
  /** What was POSTed, with its invocation_id; absent: it is not POSTed again. */
  body?: object;
  /** For each client the events it got, as lines of JSON, in order, over all its connections. */
  seen?: readonly (readonly string[])[];
  /** What the work writes when nothing ends it before its end. Absent streams are not compared. */
  wrote?: Partial<Record<Channel, string | Uint8Array>>;
}

/** What must be the same for ever. */
export interface Final {
  record: RunRecord & { result: RuntimeResult; outcome: Outcome };
  /** Of all events, in order. */
  lines: readonly string[];
}

/** Work that ended by itself has written all; what was ended has written the beginning of it. */
const WHOLE: readonly string[] = ['exited', 'responded', 'completed'];
const WAIT_SECONDS = 50;

/**
 * The invariants of the design, for one run, seen from outside. Waits until the run has finished. Fails with the
 * first that does not hold; returns what expectUnchanged() compares after the next crash.
 */
export async function expectInvariants(witness: Witness): Promise<Final> {
  const { url, id } = witness;
  const record = await finishedRecord(witness);
  expectReasons(record);
  const left = processesOf(id);
  if ((record.outcome.kill?.survivors ?? 0) === 0)
    expect(left, `${id}: processes that outlive it`).toEqual([]);
  else await until(() => processesOf(id).length === 0, `${id}: its survivors are gone`);
  const lines = await eventLines(witness);
  const events = parseEvents(lines.join('\n'));
  expectWholeLog(record, events);
  expectSeen(witness, lines);
  await expectResumable(witness, lines);
  for (const channel of CHANNELS) await expectBytes(witness, record, events, channel);
  await expectArtifacts(url, record);
  expectHonest(record);
  expect(await text(`${url}/invocations/${id}/result`), `${id}: GET result`).toBe(
    JSON.stringify(record.result),
  );
  expectResultFile(record);
  const final: Final = { record, lines };
  await expectJoined(witness, final);
  await expectUnchanged(url, final);
  return final;
}

/** A final status, its result and its events never change; nor can it be cancelled any more. */
export async function expectUnchanged(url: string, { record, lines }: Final): Promise<void> {
  const id = record.invocation.invocation_id;
  const now = JSON.parse(await text(`${url}/invocations/${id}`)) as RunRecord;
  // How far its result was delivered may change.
  expect({ ...now, on_finish: null }, `${id}: the record later`).toEqual({ ...record, on_finish: null });
  expect(await eventLines({ url, id }), `${id}: the events later`).toEqual(lines);
  const cancelled = await fetch(`${url}/invocations/${id}/cancel`, { method: 'POST' });
  expect(cancelled.status, `${id}: cancel of what has finished`).toBe(200);
  expect(((await cancelled.json()) as RunRecord).result).toEqual(record.result);
}

/**
 * pids of the living processes whose environment says that they belong to a run. Zombies have none. All of the machine is
 * searched, so the id must be one that no other run of the tests has.
 */
export function processesOf(id: string): number[] {
  if (!/[0-9a-f]{8}/.test(id)) throw new Error(`${id} may be the id of others too: own-id.ts`);
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      const words = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      return words.includes(`RUNWIRE_INVOCATION_ID=${id}`) ? [pid] : [];
    } catch {
      return []; // it is gone by now
    }
  });
}

/** What was answered with 202 is never forgotten. */
async function finishedRecord({ url, id }: Witness): Promise<Final['record']> {
  const response = await fetch(`${url}/invocations/${id}?wait=${WAIT_SECONDS}`);
  const body = await response.text();
  expect(response.status, `${id}: ${body}`).toBe(200);
  const record = JSON.parse(body) as RunRecord;
  const { result, outcome, status } = record;
  if (result === null || outcome === null) throw new Error(`${id} is ${status} and does not end`);
  expect(record.status, `${id}: status`).toBe(result.status);
  return { ...record, result, outcome };
}

/** Invariant 1: no hole, `finished` once and last, and what it says is what is stored. */
function expectWholeLog(
  { invocation, result, outcome, started_at }: Final['record'],
  events: RuntimeEvent[],
) {
  const id = invocation.invocation_id;
  expect(
    events.map(({ seq }) => seq),
    `${id}: seq`,
  ).toEqual(events.map((_, index) => index + 1));
  expect(
    events.flatMap(({ type, seq }) => (type === 'finished' ? [seq] : [])),
    `${id}: finished`,
  ).toEqual([events.length]);
  expect(events.at(-1)).toMatchObject({ result, outcome });
  expect(outcome.last_seq, `${id}: last_seq`).toBe(events.length);
  expect(
    events.flatMap((event) => (event.type === 'status' ? [event.status] : [])),
    `${id}: statuses`,
  ).toEqual(started_at === null ? ['pending'] : ['pending', 'running']);
  expect(
    events.flatMap((event) => (event.type === 'artifact' ? [event.artifact] : [])),
    `${id}: artifact events`,
  ).toEqual(result.artifacts);
}

/** Every client got events one after the other, each once, and all of them are what the log says now. */
function expectSeen({ id, seen = [] }: Witness, lines: readonly string[]): void {
  for (const [n, got] of seen.entries()) {
    const first = got[0] === undefined ? 0 : (JSON.parse(got[0]) as RuntimeEvent).seq - 1;
    expect(got, `${id}: what client ${n} saw`).toEqual(lines.slice(first, first + got.length));
  }
}

/** From any place the rest follows, and after the last event there is nothing. */
async function expectResumable({ url, id }: Witness, lines: readonly string[]): Promise<void> {
  const place = Math.floor(lines.length / 2);
  expect(await eventLines({ url, id }, place), `${id}: resumed after ${place}`).toEqual(lines.slice(place));
  const past = await fetch(`${url}/invocations/${id}/events?after=${lines.length}`);
  expect(past.status, `${id}: resumed after the last event`).toBe(204);
}

/** Invariant 2: events and gaps = what was written = what the facts say; the events = the capture, byte for byte. */
async function expectBytes(
  { url, id, wrote }: Witness,
  { result, outcome }: Final['record'],
  events: readonly RuntimeEvent[],
  channel: Channel,
): Promise<void> {
  const facts = outcome[channel] ?? null;
  const stream = streamOf(channel);
  const phase = isOfSetup(channel) ? 'setup' : 'command';
  const told = outputOf(events, stream, phase);
  const gaps = events.filter(
    (event) => event.type === 'gap' && event.stream === stream && (event.phase ?? 'command') === phase,
  );
  if (facts === null) return expect(told.length + gaps.length, `${id}: ${channel} without a capture`).toBe(0);
  let end = told.length;
  for (const event of gaps) {
    if (event.type !== 'gap') continue;
    expect(event.offset, `${id}: where the gap of ${channel} begins`).toBe(end);
    end += event.length;
  }
  expect({ kept: told.length, bytes: end }, `${id}: ${channel} in events`).toEqual({
    kept: facts.kept,
    bytes: facts.bytes,
  });
  const path = isOfSetup(channel)
    ? (result.artifacts.find(({ artifact_id: name }) => name === channel)?.path ?? null)
    : result[`${channel}_path`];
  if (path === null) throw new Error(`${id}: ${channel} has a capture and no path`);
  const capture = readFileSync(path);
  expect(capture.equals(told), `${id}: the capture of ${channel} is what the events tell`).toBe(true);
  expect(facts.sha256, `${id}: sha256 of ${channel}`).toBe(sha256(capture));
  const from = `${url}/invocations/${id}/${stream}${isOfSetup(channel) ? '?phase=setup' : ''}`;
  const read = Buffer.from(await (await fetch(from)).arrayBuffer());
  expect(read.equals(capture), `${id}: GET ${channel} is the capture`).toBe(true);
  const expected = wrote?.[channel];
  if (expected === undefined) return;
  const all = Buffer.from(expected);
  if (WHOLE.includes(outcome.ended))
    expect(facts.bytes, `${id}: bytes of ${channel} written`).toBe(all.length);
  expect(told.toString('latin1'), `${id}: ${channel} is what was written`).toBe(
    all.subarray(0, told.length).toString('latin1'),
  );
}

async function expectArtifacts(url: string, { invocation, result }: Final['record']): Promise<void> {
  for (const { artifact_id, metadata } of result.artifacts) {
    const { href, size_bytes, sha256: digest } = metadata;
    const bytes = Buffer.from(await (await fetch(`${url}${href}`)).arrayBuffer());
    expect([String(bytes.length), sha256(bytes)], `${invocation.invocation_id}: ${artifact_id}`).toEqual([
      size_bytes,
      digest,
    ]);
  }
}

/** Invariant 3, and nothing made up: what is not known is null. */
function expectHonest({ invocation, status, result, outcome, waiting }: Final['record']): void {
  const id = invocation.invocation_id;
  expect(waiting, `${id}: what has finished waits for nothing`).toBeUndefined();
  expect(status === 'timed_out', `${id}: reason of a timeout`).toBe(outcome.timeout_reason !== null);
  expect(outcome.exit_code, `${id}: exit code`).toBe(result.exit_code);
  if (outcome.started === false) expect(outcome.retry_safe, `${id}: not started`).toBe(true);
  if (outcome.ended !== 'lost') return;
  expect({ status, exit_code: result.exit_code }, `${id}: lost`).toEqual({
    status: 'failed',
    exit_code: null,
  });
  expect(result.error_summary, `${id}: lost and said so`).toBeTruthy();
}

/** output_result_path has the stored result, and nothing half-written lies beside it. */
function expectResultFile({ invocation, result }: Final['record']): void {
  const { invocation_id: id, output_result_path: path, working_directory } = invocation;
  if (path === null) return;
  const file = resolve(working_directory, path);
  expect(JSON.parse(readFileSync(file, 'utf8')), `${id}: output_result_path`).toEqual(result);
  const beside = readdirSync(resolve(file, '..')).filter((name) => name.startsWith('.runwire-'));
  expect(beside, `${id}: unfinished files beside output_result_path`).toEqual([]);
}

/** The same body again is the same run. */
async function expectJoined({ url, id, body }: Witness, { record }: Final): Promise<void> {
  if (body === undefined) return;
  const again = await fetch(`${url}/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect([again.status, again.headers.get('idempotency-replayed')], `${id}: POSTed again`).toEqual([
    200,
    'true',
  ]);
  expect(((await again.json()) as RunRecord).result, `${id}: POSTed again`).toEqual(record.result);
}

async function eventLines({ url, id }: Pick<Witness, 'url' | 'id'>, after = 0): Promise<string[]> {
  const response = await fetch(`${url}/invocations/${id}/events?after=${after}`, {
    headers: { accept: 'application/x-ndjson' },
  });
  const body = await response.text();
  expect(response.status, `${id}: events: ${body}`).toBe(200);
  return body.split('\n').filter((line) => line !== '');
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  const body = await response.text();
  expect(response.status, `${url}: ${body}`).toBe(200);
  return body;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
