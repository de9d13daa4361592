import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Stream } from '../../../src/documents/stream.ts';
import { parseEvents } from '../../helpers/run-events.ts';
import { expectInvariants, type Final } from '../invariants.ts';
import type { SoakBackend } from './backend.ts';
import type { Story } from './client.ts';
import type { Plan } from './plan.ts';
import { wroteOf } from './program.ts';
import type { SoakServer } from './server.ts';

export interface Evidence {
  server: SoakServer;
  backend: SoakBackend;
  /** Where programs leave a byte when they begin. */
  marks: string;
}

/** What one run adds to the figures of the soak. */
export interface Figures {
  status: string;
  ended: string;
  bytes: number;
  events: number;
}

/** A supervisor that was killed before a run may still be thought to live when the run is handed to it. */
const NOTICED_MS = 5000;

/** All that must hold of one run when it is over. `story`: what its clients saw, if its POST was answered. */
export async function judge(
  id: string,
  plan: Plan,
  story: Story | null,
  evidence: Evidence,
): Promise<Figures> {
  const { server, backend } = evidence;
  const wrote = (stream: Stream): Buffer => wroteOf(plan.steps, stream);
  const stdin = plan.stdin ? Buffer.concat(plan.stdin.pieces) : Buffer.alloc(0);
  const all = { stdout: Buffer.concat([wrote('stdout'), stdin]), stderr: wrote('stderr') };
  const seen = story?.readers.filter(({ bytes }) => bytes === null).map(({ lines }) => lines) ?? [];
  const final = await expectInvariants({
    url: server.url,
    id,
    ...(story && plan.name === 'id' && { body: story.body }),
    seen,
    wrote: plan.stdin?.fed ? { stderr: all.stderr } : all,
  });
  if (story) expectReaders(story, final);
  expectFed(plan, story, final, all.stdout);
  expectEnd(plan, story, final, server);
  expectOnce(plan, story, final, evidence);
  await expectFiles(plan, final, server.url);
  if (plan.onFinish) expectDelivered(plan, final, backend);
  return {
    status: final.record.status,
    ended: final.record.outcome.ended,
    bytes: (final.record.outcome.stdout?.bytes ?? 0) + (final.record.outcome.stderr?.bytes ?? 0),
    events: final.lines.length + seen.reduce((sum, lines) => sum + lines.length, 0),
  };
}

/** Readers of events saw all of them; readers of bytes all bytes, in the order of the events. */
function expectReaders({ id, readers }: Story, { lines }: Final): void {
  const events = parseEvents(lines.join('\n'));
  const told = (streams: readonly string[]): Buffer =>
    Buffer.concat(
      events.map((event) => {
        if ((event.type !== 'stdout' && event.type !== 'stderr') || !streams.includes(event.type))
          return Buffer.alloc(0);
        return Buffer.from(event.text ?? event.base64 ?? '', event.text === undefined ? 'base64' : 'utf8');
      }),
    );
  for (const { reading, lines: got, bytes, finished } of readers) {
    if (!finished) continue; // its client has told why
    if (bytes === null) expect(got.length, `${id}: all events as ${reading.view}`).toBe(lines.length);
    else
      expect(
        bytes.equals(told(reading.view === 'output' ? ['stdout', 'stderr'] : [reading.view])),
        `${id}: the bytes that a reader of ${reading.view} got`,
      ).toBe(true);
  }
}

/** Of what was fed the program got a beginning, and at least what the server had taken. */
function expectFed(plan: Plan, story: Story | null, { record }: Final, all: Buffer): void {
  if (!plan.stdin?.fed) return;
  const { result, outcome } = record;
  if (result.stdout_path === null || outcome.stdout === null) return;
  const got = readFileSync(result.stdout_path);
  const id = record.invocation.invocation_id;
  expect(all.subarray(0, got.length).equals(got), `${id}: what came of its standard input`).toBe(true);
  if (outcome.ended !== 'exited' || !story?.fed) return;
  const own = wroteOf(plan.steps, 'stdout').length;
  expect(got.length, `${id}: of what was fed`).toBeGreaterThanOrEqual(own + story.fed.taken);
  expect(got.length, `${id}: of what was fed`).toBeLessThanOrEqual(own + story.fed.sent);
}

/** It ended as the work ends, or as somebody asked for, or was lost to a crash that can lose it. */
function expectEnd(plan: Plan, story: Story | null, { record }: Final, server: SoakServer): void {
  const { status, result, outcome, created_at, finished_at } = record;
  const id = record.invocation.invocation_id;
  const from = Date.parse(created_at) - NOTICED_MS;
  const during = (kills: readonly number[]): boolean =>
    kills.some((at) => at >= from && at <= Date.parse(finished_at ?? ''));
  const words = `${id} (${plan.kind}): ${status}, ${outcome.ended}: ${result.error_summary}`;
  // A run that nobody was told of is cancelled at the end.
  if (status === 'cancelled') return expect(story ? story.cancelled : 202, words).toBe(202);
  if (status === 'timed_out') return expect(timeouts(plan), words).toContain(outcome.timeout_reason);
  if (outcome.ended === 'lost' || outcome.ended === 'never_started') {
    const { server: servers, supervisor: supervisors } = server.kills;
    const causes = {
      subprocess: supervisors,
      docker: servers,
      http: servers,
      http_async: servers,
      manual: [],
    };
    expect(during(causes[plan.kind]), words).toBe(true);
    return;
  }
  expect(plan.timeout, words).toBe(null);
  expect({ status, exit: result.exit_code, signal: outcome.signal }, words).toEqual(naturalEnd(plan));
}

function timeouts({ timeout, queueSeconds }: Plan): string[] {
  const run = timeout === null ? [] : [timeout.idle ? 'idle' : 'run'];
  return queueSeconds === null ? run : [...run, 'queue'];
}

function naturalEnd({ kind, end }: Plan): { status: string; exit: number; signal: string | null } {
  const numbers = { TERM: 15, KILL: 9, USR1: 10 };
  if ('signal' in end) {
    const number = numbers[end.signal];
    if (kind === 'docker') return { status: 'failed', exit: 128 + number, signal: null };
    return { status: 'failed', exit: -number, signal: `SIG${end.signal}` };
  }
  const status = end.code === 0 ? 'succeeded' : 'failed';
  if (kind === 'http') return { status, exit: end.code === 0 ? 200 : 500, signal: null };
  if (kind === 'http_async') return { status, exit: Math.min(end.code, 1), signal: null };
  return { status, exit: end.code, signal: null };
}

/** The work was begun once at the most, and not at all where the record says that it may be done again. */
function expectOnce(plan: Plan, story: Story | null, { record }: Final, { backend, marks }: Evidence): void {
  if (plan.kind === 'manual') return;
  // Runs that POSTs without an answer made do the work of the same plan.
  const most = 1 + (story === null || story.postsWithoutAnswer > 0 ? Number.POSITIVE_INFINITY : 0);
  const mark = join(marks, String(plan.n));
  const http = plan.kind === 'http' || plan.kind === 'http_async';
  const begun = http ? backend.calls(plan) : existsSync(mark) ? readFileSync(mark).length : 0;
  const { started, retry_safe, ended } = record.outcome;
  const words = `${record.invocation.invocation_id} (${plan.kind}): ${ended}, begun ${begun} times`;
  expect(begun, words).toBeLessThanOrEqual(most);
  if (most > 1) return;
  const safe = plan.kind === 'http' && plan.variant;
  if (!started || (retry_safe && !safe)) expect(begun, words).toBe(0);
  if (['exited', 'signaled', 'responded', 'completed'].includes(ended)) expect(begun, words).toBe(1);
}

/** What work that ended by itself left in its artifact directory is kept. */
async function expectFiles(plan: Plan, { record }: Final, url: string): Promise<void> {
  if (!['exited', 'signaled', 'completed'].includes(record.outcome.ended)) return;
  for (const { name, bytes } of plan.files) {
    const found = record.result.artifacts.find(({ path }) => path.endsWith(name));
    expect(found, `${record.invocation.invocation_id}: ${name}`).toBeDefined();
    const kept = Buffer.from(await (await fetch(`${url}${found?.metadata.href}`)).arrayBuffer());
    expect(kept.equals(bytes), `${record.invocation.invocation_id}: ${name}`).toBe(true);
  }
}

/** At least once, and what was delivered is the stored result. */
function expectDelivered(plan: Plan, { record }: Final, backend: SoakBackend): void {
  const bodies = backend
    .deliveries(plan)
    .filter((body) => JSON.parse(body).invocation_id === record.invocation.invocation_id);
  expect(bodies.length, `${record.invocation.invocation_id}: deliveries`).toBeGreaterThan(0);
  for (const body of bodies) expect(JSON.parse(body)).toEqual(record.result);
}
