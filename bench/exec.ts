import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { LoadPlan, LoadReport } from './load.ts';
import { describeMachine } from './machine.ts';
import { Absent, httpRequest, type Peer } from './peer.ts';
import { fastify } from './peers/fastify.ts';
import { lighttpd } from './peers/lighttpd.ts';
import { runwire } from './peers/runwire.ts';
import { webhook } from './peers/webhook.ts';
import { median, ratios, type Spread, table } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    concurrency: { type: 'string', default: '1,4,16' },
    only: { type: 'string', default: 'runwire,lighttpd,webhook,fastify' },
    'data-dir': { type: 'string', default: '.runwire' },
    json: { type: 'string' },
  },
});

/** Runwire twice: in a directory that exists, and in a scratch directory made for each run. */
async function runwires(directory: string): Promise<Peer[]> {
  const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'));
  const peer = (name: string, invocation: object): Peer => ({
    name,
    port: server.port,
    request: httpRequest(server.port, '/invocations?wait=30', invocation),
    expect: '"status":"succeeded"',
    stop: server.stop,
  });
  const invocation = { runtime_kind: 'subprocess', command: ['/bin/true'] };
  return [
    peer('runwire', { ...invocation, working_directory: '/tmp' }),
    peer('runwire, scratch directory', invocation),
  ];
}

const STARTERS: Record<string, (directory: string) => Promise<Peer | Peer[]>> = {
  runwire: runwires,
  lighttpd,
  webhook,
  fastify,
};

const run = promisify(execFile);
async function measure(peer: Peer, connections: number, seconds: number): Promise<LoadReport> {
  const { port, request, expect } = peer;
  const plan: LoadPlan = {
    host: '127.0.0.1',
    port,
    request,
    expect,
    connections,
    seconds,
    requests: 1_000_000,
  };
  try {
    const { stdout } = await run(process.execPath, [
      join(import.meta.dirname, 'load.ts'),
      JSON.stringify(plan),
    ]);
    return JSON.parse(stdout) as LoadReport;
  } catch (error) {
    throw new Error(
      `${peer.name}, ${connections} at once: ${(error as { stderr?: string }).stderr ?? error}`,
    );
  }
}

interface Row {
  peer: string;
  concurrency: number;
  perSecond: number;
  p50: number;
  p99: number;
  throughputRatio: Spread | null;
  p99Ratio: Spread | null;
  rounds: LoadReport[];
}

function summarize(
  measured: Map<Peer, LoadReport[]>,
  concurrency: number,
  base: LoadReport[] | undefined,
): Row[] {
  return [...measured].map(([peer, rounds]) => {
    const of = (key: 'perSecond' | 'p50' | 'p99', reports = rounds) => reports.map((report) => report[key]);
    return {
      peer: peer.name,
      concurrency,
      perSecond: median(of('perSecond')),
      p50: median(of('p50')),
      p99: median(of('p99')),
      throughputRatio: base === undefined ? null : ratios(of('perSecond'), of('perSecond', base)),
      p99Ratio: base === undefined ? null : ratios(of('p99'), of('p99', base)),
      rounds,
    };
  });
}

function print(rows: Row[]): string {
  const ratio = (spread: Spread | null) =>
    spread === null ? '–' : `${spread.median.toFixed(2)} (${spread.min.toFixed(2)}–${spread.max.toFixed(2)})`;
  return table([
    ['at once  server', 'req/s', 'p50 ms', 'p99 ms', 'req/s ÷ lighttpd', 'p99 ÷ lighttpd'],
    ...rows.map((row) => [
      `${String(row.concurrency).padStart(7)}  ${row.peer}`,
      row.perSecond.toFixed(0),
      row.p50.toFixed(2),
      row.p99.toFixed(2),
      ratio(row.throughputRatio),
      ratio(row.p99Ratio),
    ]),
  ]);
}

const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
mkdirSync(options['data-dir'], { recursive: true });
const directory = mkdtempSync(resolve(options['data-dir'], 'bench-'));
const machine = describeMachine(directory);
const peers: Peer[] = [];
const skipped: string[] = [];
const rows: Row[] = [];
try {
  for (const name of options.only.split(',')) {
    try {
      peers.push(...[await STARTERS[name]?.(directory)].flatMap((started) => started ?? []));
    } catch (error) {
      if (!(error instanceof Absent)) throw error;
      skipped.push(error.message);
    }
  }
  for (const peer of peers) await measure(peer, 16, 2);
  for (const concurrency of options.concurrency.split(',').map(Number)) {
    const measured = new Map(peers.map((peer) => [peer, [] as LoadReport[]]));
    for (let round = 0; round < rounds; round++) {
      // In turns, and every round begins with another peer.
      for (let turn = 0; turn < peers.length; turn++) {
        const peer = peers[(round + turn) % peers.length] as Peer;
        measured.get(peer)?.push(await measure(peer, concurrency, seconds));
      }
    }
    const base = peers.find((peer) => peer.name.startsWith('lighttpd'));
    rows.push(...summarize(measured, concurrency, base && measured.get(base)));
  }
} finally {
  for (const peer of peers) await peer.stop();
  rmSync(directory, { recursive: true, force: true });
}
console.log(
  `${machine.cores} cores, ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, data on ${machine.dataOn}`,
);
console.log(
  `/bin/true over HTTP; median of ${rounds} rounds of ${seconds} s, in turns; ratios round by round (least–most)`,
);
for (const reason of skipped) console.log(`skipped: ${reason}`);
console.log(`\n${print(rows)}`);
if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify({ machine, rounds, seconds, skipped, rows }, null, 2)}\n`);
}
