import { Agent, type IncomingMessage, request } from 'node:http';
import { answerPlans } from '../client.ts';
import { EventCount } from '../event-count.ts';

/**
 * Submits runs, so many at once, and reads the output of each to its end in one way. Every byte must come, and with
 * events every `seq`: otherwise the plan fails.
 */
export interface StreamsPlan {
  port: number;
  command: string[];
  runs: number;
  atOnce: number;
  /** How the output is read; `none`: not at all, the run is waited for. */
  as: 'none' | 'raw' | 'sse' | 'ndjson';
  /** What each run prints. */
  bytes: number;
  /** No run lasts longer. */
  limitSeconds: number;
}

export interface StreamsReport {
  /** From the first submission until all is read. */
  seconds: number;
  /** Bytes of the bodies. */
  received: number;
  clientCpuSeconds: number;
}

const ACCEPT = { raw: 'application/octet-stream', sse: 'text/event-stream', ndjson: 'application/x-ndjson' };

async function readAll(plan: StreamsPlan): Promise<StreamsReport> {
  const agent = new Agent({ keepAlive: true });
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      request({ agent, host: '127.0.0.1', port: plan.port, method, path, headers }, resolve)
        .once('error', reject)
        .end(body);
    });
  const invocation = JSON.stringify({
    runtime_kind: 'subprocess',
    command: plan.command,
    timeout_seconds: plan.limitSeconds,
    options: { max_output_bytes: plan.bytes },
  });
  const paths: string[] = [];
  let received = 0;
  let left = plan.runs;
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await ask('POST', '/invocations', { 'content-type': 'application/json' }, invocation);
      const text = await textOf(answer);
      if (answer.statusCode !== 202) throw new Error(`${answer.statusCode} ${text}`);
      const path = answer.headers.location ?? '';
      paths.push(path);
      const got = await follow(plan, path, ask);
      received += got;
    }
  };
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await Promise.all(Array.from({ length: plan.atOnce }, caller));
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const path of paths) await textOf(await ask('DELETE', path));
  agent.destroy();
  return { seconds, received, clientCpuSeconds: (user + system) / 1e6 };
}

type Ask = (method: string, path: string, headers?: Record<string, string>) => Promise<IncomingMessage>;

/** Read one run to its end. Returns the bytes that came. */
async function follow(plan: StreamsPlan, path: string, ask: Ask): Promise<number> {
  if (plan.as === 'none') {
    const text = await textOf(await ask('GET', `${path}?wait=${plan.limitSeconds}`));
    const { status, outcome } = JSON.parse(text) as {
      status: string;
      outcome: { stdout: { kept: number } } | null;
    };
    if (status !== 'succeeded' || outcome?.stdout.kept !== plan.bytes)
      throw new Error(`the run ended as ${status} with ${outcome?.stdout.kept} bytes kept`);
    return text.length;
  }
  const raw = plan.as === 'raw';
  const answer = await ask('GET', `${path}${raw ? '/stdout?follow=true' : '/events'}`, {
    accept: ACCEPT[plan.as],
  });
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${await textOf(answer)}`);
  const count = plan.as === 'raw' ? null : new EventCount(plan.as);
  let received = 0;
  await new Promise<void>((done, fail) => {
    answer.on('data', (chunk: Buffer) => {
      received += chunk.length;
      count?.push(chunk);
    });
    answer.once('end', done);
    answer.once('error', fail);
  });
  const output = count === null ? received : count.output;
  const whole = count === null || (count.finished && !count.holes);
  if (output !== plan.bytes || !whole)
    throw new Error(`the ${plan.as} reader got ${output} of ${plan.bytes} bytes, events whole: ${whole}`);
  return received;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  return text;
}

await answerPlans(readAll);
