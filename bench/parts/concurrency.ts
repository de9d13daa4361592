import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { type Client, startClient } from '../client.ts';
import type { LoadPlan, LoadReport } from '../clients/load.ts';
import type { Part } from '../part.ts';
import { httpRequest } from '../peer.ts';
import { type RunwireServer, runwire } from '../peers/runwire.ts';
import { residentBytes } from '../resident.ts';
import { median, spread } from '../statistics.ts';
import { figure, withSpread } from '../tables.ts';

/** Times are in seconds, of latencies in ms; memory in bytes. */
interface SleepRound {
  /** Until all are accepted, and until all run. */
  submitted: number;
  running: number;
  serverGrowth: number;
  supervisorGrowth: number;
  /** /bin/true, one after the other, with none and with all of them running. */
  alone: { p50: number; p99: number };
  beside: { p50: number; p99: number };
  /** From the first cancel until all have ended. */
  ended: number;
}

export interface ConcurrencyReport {
  programs: number;
  rounds: SleepRound[];
}

const CALLERS = 32;
const LIMIT_MS = 60_000;

/** Many programs that do nothing, all at once, and how a short one fares beside them. */
export const concurrency: Part<ConcurrencyReport> = {
  name: 'concurrency',
  async run(bench) {
    const programs = bench.quick ? 100 : 1000;
    const directory = bench.directory('concurrency');
    const settings = { RUNWIRE_MAX_CONCURRENT: String(programs + 100) };
    const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'), settings);
    const load = startClient(join(import.meta.dirname, '../clients/load.ts'));
    const dispatcher = new Agent({ connections: CALLERS });
    try {
      const rounds: SleepRound[] = [];
      await truth(load, server, 1);
      for (let round = 0; round < bench.rounds; round++) {
        bench.say(`concurrency: ${programs} programs, round ${round + 1}`);
        rounds.push(await measure(server, load, dispatcher, programs, bench.quick ? 0.3 : 1));
      }
      return { programs, rounds };
    } finally {
      load.stop();
      await dispatcher.destroy();
      await server.stop();
    }
  },
  tables: ({ programs, rounds }) => {
    const row = (name: string, of: (round: SleepRound) => number, digits = 2) => [
      name,
      withSpread(spread(rounds.map(of)), digits),
    ];
    const each = median(
      rounds.map(({ serverGrowth, supervisorGrowth }) => (serverGrowth + supervisorGrowth) / programs),
    );
    return [
      {
        title: `${programs} sleeping programs at once`,
        notes: [
          `Median of ${rounds.length} rounds on one server, with the least and the most. Submitted over ${CALLERS} connections, cancelled over as many.`,
          `A running program takes ${figure(each / 1000)} kB of the server and the supervisor together.`,
        ],
        columns: ['', 'measured'],
        rows: [
          row('until all are accepted, s', ({ submitted }) => submitted),
          row('until all run, s', ({ running }) => running),
          row('server grows, MB', ({ serverGrowth }) => serverGrowth / 1e6, 1),
          row('supervisor grows, MB', ({ supervisorGrowth }) => supervisorGrowth / 1e6, 1),
          row('/bin/true with none of them, p50 ms', ({ alone }) => alone.p50),
          row('/bin/true with none of them, p99 ms', ({ alone }) => alone.p99),
          row('/bin/true beside them, p50 ms', ({ beside }) => beside.p50),
          row('/bin/true beside them, p99 ms', ({ beside }) => beside.p99),
          row('from cancelling until all have ended, s', ({ ended }) => ended),
        ],
      },
    ];
  },
};

async function measure(
  server: RunwireServer,
  load: Client,
  dispatcher: Agent,
  programs: number,
  seconds: number,
): Promise<SleepRound> {
  const origin = `http://127.0.0.1:${server.port}`;
  const supervisor = server.supervisorPid() ?? 0;
  const alone = await truth(load, server, seconds);
  const before = [residentBytes(server.pid), residentBytes(supervisor)] as const;
  const post = async (path: string, body: object): Promise<string> => {
    const { statusCode, body: answer } = await request(`${origin}${path}`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (statusCode !== 202 && statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text}`);
    return text;
  };
  const invocation = {
    runtime_kind: 'subprocess',
    runtime_name: 'sleeper',
    working_directory: '/tmp',
    command: ['/bin/sleep', '120'],
  };
  const begin = performance.now();
  const ids = await inParallel(programs, async () => {
    const record = JSON.parse(await post('/invocations', invocation)) as {
      invocation: { invocation_id: string };
    };
    return record.invocation.invocation_id;
  });
  const submitted = since(begin);
  await until('all programs run', () => children(supervisor) === programs);
  const running = since(begin);
  await sleep(200);
  const serverGrowth = residentBytes(server.pid) - before[0];
  const supervisorGrowth = residentBytes(supervisor) - before[1];
  const beside = await truth(load, server, seconds);
  const cancelled = performance.now();
  await inParallel(programs, (index) => post(`/invocations/${ids[index]}/cancel`, {}));
  await until('all runs have ended', async () => {
    const { body } = await request(`${origin}/invocations?status=running&limit=1`, { dispatcher });
    return ((await body.json()) as { items: unknown[] }).items.length === 0;
  });
  const ended = since(cancelled);
  if (children(supervisor) !== 0) throw new Error(`${children(supervisor)} programs outlived their runs`);
  return { submitted, running, serverGrowth, supervisorGrowth, alone, beside, ended };
}

/** /bin/true, one after the other. */
async function truth(
  load: Client,
  { port }: RunwireServer,
  seconds: number,
): Promise<{ p50: number; p99: number }> {
  const invocation = { runtime_kind: 'subprocess', command: ['/bin/true'], working_directory: '/tmp' };
  const plan: LoadPlan = {
    port,
    requests: [httpRequest(port, '/invocations?wait=30', invocation)],
    expect: '"status":"succeeded"',
    connections: 1,
    seconds,
    limit: 100_000,
  };
  const { p50, p99 } = await load.ask<LoadReport>(plan, seconds + 60);
  return { p50, p99 };
}

async function inParallel<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  let next = 0;
  const caller = async () => {
    while (next < count) {
      const index = next++;
      done[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return done;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not after ${LIMIT_MS / 1000} s: ${what}`);
    await sleep(5);
  }
}

/** How many children a process has now. */
function children(pid: number): number {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).length;
}

const since = (begin: number) => (performance.now() - begin) / 1000;
