import { spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import type { Readable } from 'node:stream';
import { answerPlans } from '../client.ts';
import { MARK, monotonic } from '../clock.ts';
import { percentile } from '../statistics.ts';

/**
 * Starts programs that print a line now and then, reads them all, and takes the time from each write to its
 * reading: through the server, as Server-Sent Events on the answer to the POST, or from pipes of its own.
 */
export interface LatencyPlan {
  /** Of the server; null: pipes. */
  port: number | null;
  emitter: string;
  programs: number;
  /** Of one program. */
  intervalMs: number;
  seconds: number;
  /** From now until the programs begin to print: all of them should have been started by then. */
  leadSeconds: number;
}

/** Times are in ms. */
export interface LatencyReport {
  samples: number;
  p50: number;
  p99: number;
  max: number;
}

const LINE_BYTES = 80;

/** A machine that is busy takes longer to start them all: then once more, with more time for it. */
async function measure(plan: LatencyPlan): Promise<LatencyReport> {
  for (let { leadSeconds } = plan; leadSeconds <= plan.leadSeconds * 8; leadSeconds *= 2) {
    const report = await attempt({ ...plan, leadSeconds });
    if (report !== null) return report;
  }
  throw new Error(`${plan.programs} programs did not begin within ${plan.leadSeconds * 8} s`);
}

/** Null when the programs began to print before all of them had been started. */
async function attempt(plan: LatencyPlan): Promise<LatencyReport | null> {
  const begin = monotonic() + plan.leadSeconds * 1e9;
  const command = [plan.emitter, LINE_BYTES, plan.intervalMs * 1000, plan.seconds, begin].map(String);
  const latencies: number[] = [];
  const agent = new Agent({ maxSockets: plan.programs });
  const open = plan.port === null ? () => piped(command) : () => submitted(agent, plan.port ?? 0, command);
  const streams = Array.from({ length: plan.programs }, open);
  const readings = streams.map(async (stream) => {
    const lines = await read(await stream, latencies);
    if (lines < (plan.seconds * 1000) / plan.intervalMs - 1)
      throw new Error(`only ${lines} lines of a program`);
  });
  await Promise.all(streams);
  const late = monotonic() > begin;
  await Promise.all(readings);
  agent.destroy();
  if (late) return null;
  return {
    samples: latencies.length,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    max: percentile(latencies, 1),
  };
}

/** Takes the time of every line, to the end. Returns how many there were. */
function read(stream: Readable, latencies: number[]): Promise<number> {
  return new Promise((done, fail) => {
    let rest = '';
    let count = 0;
    stream.on('data', (chunk: Buffer) => {
      const now = monotonic();
      const text = rest + chunk.toString('latin1');
      // A mark may come in two pieces.
      rest = text.slice(text.lastIndexOf('\n') + 1);
      for (const [, written] of text.slice(0, text.length - rest.length).matchAll(MARK)) {
        latencies.push((now - Number(written)) / 1e6);
        count++;
      }
    });
    stream.once('end', () => done(count));
    stream.once('error', fail);
  });
}

function piped([file = '', ...args]: string[]): Promise<Readable> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('spawn', () => done(child.stdout));
  });
}

function submitted(agent: Agent, port: number, command: string[]): Promise<Readable> {
  const body = JSON.stringify({ runtime_kind: 'subprocess', command, working_directory: '/tmp' });
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  return new Promise((done, fail) => {
    request({ agent, host: '127.0.0.1', port, method: 'POST', path: '/invocations', headers }, (answer) =>
      answer.statusCode === 200 ? done(answer) : fail(new Error(`answered ${answer.statusCode}`)),
    )
      .once('error', fail)
      .end(body);
  });
}

await answerPlans(measure);
