import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Client, startClient } from '../client.ts';
import type { LoadPlan, LoadReport } from '../clients/load.ts';
import type { Bench, Part } from '../part.ts';
import { freePort, httpRequest, start, stop, untilListening } from '../peer.ts';
import { type RunwireServer, runwire } from '../peers/runwire.ts';
import { inTurns } from '../rounds.ts';
import { median, ratios, spread } from '../statistics.ts';
import { figure, megabytes, type Table, withSpread } from '../tables.ts';
import { type Flight, fly } from './http-flight.ts';

interface RateRow {
  atOnce: number;
  runs: LoadReport[];
  calls: LoadReport[];
}

export interface HttpReport {
  seconds: number;
  rates: RateRow[];
  flights: Flight[];
}

const script = (name: string) => join(import.meta.dirname, '..', name);

/** Runs of kind http beside the same calls made by undici, and many of both http kinds in flight. */
export const http: Part<HttpReport> = {
  name: 'http',
  async run(bench) {
    const seconds = bench.quick ? 0.4 : 1.25;
    const directory = bench.directory('http');
    const load = startClient(script('clients/load.ts'));
    const settings = { RUNWIRE_MAX_CALLS: '6000' };
    /** A server and a backend of its own for each: memory and counts are theirs. */
    const withBoth = async <T>(
      name: string,
      work: (server: RunwireServer, backend: string) => Promise<T>,
    ) => {
      const port = await freePort();
      const log = join(directory, `${name}-backend.log`);
      const backend = start([process.execPath, script('fixtures/http-backend.ts'), String(port)], log);
      try {
        await untilListening(backend, log, port);
        const server = await runwire(join(directory, name), join(directory, `${name}.log`), settings);
        try {
          return await work(server, `http://127.0.0.1:${port}`);
        } finally {
          await server.stop();
        }
      } finally {
        await stop(backend);
      }
    };
    try {
      const rates = await withBoth('rates', (server, backend) =>
        compare(bench, load, server, `${backend}/call`, seconds),
      );
      const flights: Flight[] = [];
      for (const kind of ['http', 'http_async'] as const) {
        const plan = { kind, count: bench.quick ? 200 : 5000, seconds: bench.quick ? 3 : 15 };
        bench.say(`http: ${plan.count} of kind ${kind} in flight`);
        flights.push(await withBoth(kind, (server, backend) => fly(server, backend, plan)));
      }
      return { seconds, rates, flights };
    } finally {
      load.stop();
    }
  },
  tables,
};

async function compare(
  bench: Bench,
  load: Client,
  { port }: RunwireServer,
  url: string,
  seconds: number,
): Promise<RateRow[]> {
  const invocation = { runtime_kind: 'http', options: { http: { url, body: { question: true } } } };
  const byRunwire = (connections: number, forSeconds: number): Promise<LoadReport> => {
    const plan: LoadPlan = {
      port,
      requests: [httpRequest(port, '/invocations?wait=30', invocation)],
      expect: '"status":"succeeded"',
      connections,
      seconds: forSeconds,
      limit: 1_000_000,
    };
    return load.ask(plan, forSeconds + 60);
  };
  const byUndici = async (connections: number): Promise<LoadReport> => {
    const args = [script('fixtures/undici-calls.ts'), url, String(connections), String(seconds)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: (seconds + 60) * 1000 });
    return JSON.parse(stdout) as LoadReport;
  };
  await byRunwire(16, bench.quick ? 0.3 : 2);
  const rows: RateRow[] = [];
  for (const atOnce of bench.quick ? [16] : [1, 16, 64]) {
    bench.say(`http: ${atOnce} at once`);
    const runs = () => byRunwire(atOnce, seconds);
    const calls = () => byUndici(atOnce);
    const measured = await inTurns([runs, calls], bench.rounds, (side) => side());
    rows.push({ atOnce, runs: measured.get(runs) ?? [], calls: measured.get(calls) ?? [] });
  }
  return rows;
}

function tables({ seconds, rates, flights }: HttpReport): Table[] {
  const of = (reports: readonly LoadReport[], key: 'perSecond' | 'p50' | 'p99') =>
    reports.map((each) => each[key]);
  return [
    {
      title: 'Runs of kind http, beside the same POST made by undici directly',
      notes: [
        `Median of ${rates[0]?.runs.length} rounds of ${seconds} s each, in turns; the ratio round by round, with the least and the most.`,
        'A run is a request in, the call, a record, a journal, the capture and two artifacts; the direct call is the call alone.',
      ],
      columns: ['at once', 'http runs/s', 'undici calls/s', 'ratio', 'p50 ms', 'p99 ms'],
      rows: rates.map(({ atOnce, runs, calls }) => [
        String(atOnce),
        median(of(runs, 'perSecond')).toFixed(0),
        median(of(calls, 'perSecond')).toFixed(0),
        withSpread(ratios(of(runs, 'perSecond'), of(calls, 'perSecond'))),
        figure(median(of(runs, 'p50'))),
        figure(median(of(runs, 'p99'))),
      ]),
    },
    {
      title: 'Calls in flight',
      notes: [
        'One flight of each kind, on a new server; all runs must succeed. http holds a connection for each call; http_async starts a job with each and polls for it.',
        'Memory is the resident memory of the server, in MB: idle, in flight, and the most of any time.',
      ],
      columns: ['kind', 'runs', 'at once', 'submitted s', 'idle', 'flying', 'most', 'polls in 100 ms'],
      rows: flights.map(({ kind, count, atOnce, submitSeconds, idle, flying, most, pollsPer100ms }) => [
        kind,
        String(count),
        String(atOnce),
        figure(submitSeconds),
        megabytes(idle),
        megabytes(flying),
        megabytes(most),
        pollsPer100ms === null ? '–' : withSpread(spread(pollsPer100ms), 0),
      ]),
    },
  ];
}
