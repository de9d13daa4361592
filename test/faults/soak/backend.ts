import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { json, type SeenRequest, startBackend, status } from '../../fixtures/backend.ts';
import { written } from '../../fixtures/paced-write.ts';
import type { Plan } from './plan.ts';
import { bytesOf, type Step } from './program.ts';
import { Random } from './random.ts';

/** Work that goes on whoever listens. */
interface Job {
  plan: Plan;
  /** What was written so far. */
  output: string[];
  log: string;
  status: 'running' | 'completed' | 'failed';
  stopped: boolean;
  /** Those who wait for more. */
  listeners: Set<() => void>;
}

/** What the runs call, and where their results are delivered. */
export interface SoakBackend extends AsyncDisposable {
  url: string;
  /** How often the work of a plan was asked for. */
  calls(plan: Plan): number;
  /** What was delivered for a plan, each time. */
  deliveries(plan: Plan): string[];
}

export async function soakBackend(plans: readonly Plan[], seed: number): Promise<SoakBackend> {
  const backend = await startBackend();
  const random = new Random(seed);
  const jobs = new Map<string, Job>();
  const calls = new Map<number, number>();
  const delivered = new Map<number, string[]>();
  const planOf = (path: string): Plan => {
    const plan = plans[Number(parameter(path, 'n'))];
    if (plan === undefined) throw new Error(`no plan for ${path}`);
    return plan;
  };
  const jobOf = ({ path }: SeenRequest): Job => {
    const job = jobs.get(parameter(path, 'id'));
    if (job === undefined) throw new Error(`no job for ${path}`);
    return job;
  };
  const count = ({ n }: Plan): void => void calls.set(n, (calls.get(n) ?? 0) + 1);

  backend.on('/call', async (response, { path }) => {
    const plan = planOf(path);
    count(plan);
    response.writeHead(codeOf(plan) === 0 ? 200 : 500, { 'content-type': 'application/octet-stream' });
    response.flushHeaders();
    for (const step of plan.steps) {
      if (response.destroyed) return;
      if (step.do === 'pause') await sleep(step.ms, undefined, { ref: false });
      else await written(response, bytesOf(step));
    }
    response.end();
  });
  backend.on('/jobs', (response, request) => {
    const plan = planOf(request.path);
    count(plan);
    const id = `job-${plan.n}-${calls.get(plan.n)}`;
    const job: Job = { plan, output: [], log: '', status: 'running', stopped: false, listeners: new Set() };
    jobs.set(id, job);
    void perform(job);
    return json({ id }, 202)(response, request);
  });
  backend.on('/state', (response, request) => {
    const { status, log, output } = jobOf(request);
    return json({ status, log, ...(status !== 'running' && { output }) })(response, request);
  });
  backend.on('/stop', (response, request) => {
    jobOf(request).stopped = true;
    return status(204)(response, request);
  });
  backend.on('/stream', async (response, request) => {
    const job = jobOf(request);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    let next = Number(request.headers['last-event-id'] ?? 0);
    while (!response.destroyed) {
      const piece = job.output[next];
      if (piece !== undefined) await written(response, Buffer.from(eventOf(++next, piece)));
      else if (job.status !== 'running') return void response.end('event: done\ndata: {}\n\n');
      else await news(job, response);
    }
  });
  backend.on('/finish', (response, request) => {
    const { n } = planOf(request.path);
    const before = delivered.get(n) ?? [];
    delivered.set(n, [...before, request.body]);
    // Once: the third attempt would be a long time in coming.
    return status(before.length === 0 && random.chance(0.15) ? 503 : 204)(response, request);
  });

  return {
    url: backend.url,
    calls: ({ n }) => calls.get(n) ?? 0,
    deliveries: ({ n }) => delivered.get(n) ?? [],
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  };
}

const codeOf = ({ end }: Plan): number => ('code' in end ? end.code : 1);

function parameter(path: string, name: string): string {
  return new URL(path, 'http://backend').searchParams.get(name) ?? '';
}

async function perform(job: Job): Promise<void> {
  for (const step of job.plan.steps) {
    if (job.stopped) break;
    if (step.do === 'pause') await sleep(step.ms, undefined, { ref: false });
    else take(job, step);
    for (const wake of job.listeners) wake();
  }
  job.status = codeOf(job.plan) === 0 ? 'completed' : 'failed';
  for (const wake of job.listeners) wake();
}

function take(job: Job, step: Exclude<Step, { do: 'pause' }>): void {
  const text = bytesOf(step).toString('utf8');
  if (step.stream === 'stdout') job.output.push(text);
  else job.log += text;
}

/** An event whose data is the text, line ends and all. */
function eventOf(id: number, text: string): string {
  return `id: ${id}\n${text.replace(/^/gm, 'data: ')}\n\n`;
}

function news({ listeners }: Job, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      listeners.delete(wake);
      response.off('close', wake);
      resolve();
    };
    listeners.add(wake);
    response.once('close', wake);
  });
}
