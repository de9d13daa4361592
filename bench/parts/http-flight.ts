import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { RunwireServer } from '../peers/runwire.ts';
import { residentBytes, watchResident } from '../resident.ts';

export interface FlightPlan {
  kind: 'http' | 'http_async';
  count: number;
  /** How long the backend takes for each. */
  seconds: number;
}

export interface Flight extends FlightPlan {
  submitSeconds: number;
  /** Most of them that the backend had at one time. */
  atOnce: number;
  /** Resident bytes of the server. */
  idle: number;
  flying: number;
  most: number;
  /** How many polls came in each 100 ms while all were in flight. */
  pollsPer100ms: number[] | null;
}

const CALLERS = 32;

/** Many runs of an HTTP kind in flight on one backend. Throws unless all of them succeed. */
export async function fly(server: RunwireServer, backend: string, plan: FlightPlan): Promise<Flight> {
  const dispatcher = new Agent({ connections: CALLERS });
  const origin = `http://127.0.0.1:${server.port}`;
  const get = async <T>(url: string) => (await (await request(url, { dispatcher })).body.json()) as T;
  const reported = () => get<BackendReport>(`${backend}/report`);
  const invocation = JSON.stringify(invocationOf(backend, plan));
  const submit = async (): Promise<void> => {
    const { statusCode, body } = await request(`${origin}/invocations`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: invocation,
    });
    const text = await body.text();
    if (statusCode !== 202) throw new Error(`${statusCode} ${text}`);
  };
  try {
    const idle = residentBytes(server.pid);
    const memory = watchResident({ server: server.pid });
    const begin = performance.now();
    let left = plan.count;
    const caller = async () => {
      while (left-- > 0) await submit();
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    const submitSeconds = (performance.now() - begin) / 1000;
    await sleep(1000);
    const before = await reported();
    const flying = residentBytes(server.pid);
    await sleep(Math.max(1000, (plan.seconds - submitSeconds - 2) * 1000));
    const after = await reported();
    for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(250)) {
      const { items } = await get<{ items: unknown[] }>(`${origin}/invocations?status=running&limit=1`);
      if (items.length === 0) break;
    }
    const metrics = await (await request(`${origin}/metrics`, { dispatcher })).body.text();
    const succeeded = countOf(metrics, plan.kind);
    if (succeeded !== plan.count)
      throw new Error(`${succeeded} of ${plan.count} runs of kind ${plan.kind} succeeded`);
    const { server: growth } = memory();
    return {
      ...plan,
      submitSeconds,
      atOnce: after.mostHeld,
      idle,
      flying,
      most: growth?.peak ?? Number.NaN,
      // The last 100 ms are not over.
      pollsPer100ms: plan.kind === 'http' ? null : after.polls.slice(before.polls.length, -1),
    };
  } finally {
    await dispatcher.destroy();
  }
}

/** What fixtures/http-backend.ts answers to GET /report. */
interface BackendReport {
  mostHeld: number;
  polls: number[];
}

function invocationOf(backend: string, { kind, seconds }: FlightPlan): object {
  const common = { runtime_kind: kind, runtime_name: 'flight', timeout_seconds: seconds * 10 };
  if (kind === 'http')
    return { ...common, options: { http: { url: `${backend}/hold`, query: { seconds }, body: {} } } };
  const job = {
    url: `${backend}/jobs`,
    query: { seconds },
    poll_url_template: '/jobs/{run_id}',
    poll_run_id_path: 'id',
    poll_status_path: 'status',
    poll_terminal_states: ['completed'],
  };
  return { ...common, options: { http_async: job } };
}

/** Runs of a kind that succeeded, as /metrics tells. */
function countOf(metrics: string, kind: string): number {
  const line = metrics
    .split('\n')
    .find(
      (each) =>
        /^runwire_runs\w*\{/.test(each) &&
        each.includes(`kind="${kind}"`) &&
        each.includes('status="succeeded"'),
    );
  return Number(line?.split(' ').at(-1) ?? 0);
}
