import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { barChart } from '../chart.ts';
import { startClient } from '../client.ts';
import type { StreamsPlan, StreamsReport } from '../clients/streams.ts';
import { cpuTime } from '../cpu.ts';
import type { Aim, Part } from '../part.ts';
import { runwire } from '../peers/runwire.ts';
import { inTurns } from '../rounds.ts';
import { median, ratios, spread } from '../statistics.ts';
import { figure, type Table, withSpread } from '../tables.ts';

interface StreamRound {
  seconds: number;
  /** Bytes of the bodies, as they came to the reader. */
  received: number;
  /** Processor seconds of the server and the supervisor, and of the reader. */
  cpu: number;
  clientCpu: number;
}

interface StreamRow {
  what: string;
  runs: number;
  atOnce: number;
  /** Of one run. */
  bytes: number;
  name: string;
  rounds: StreamRound[];
}

export interface StreamReport {
  rows: StreamRow[];
}

const MIB = 2 ** 20;
const LIMIT_SECONDS = 120;
const CAT = '| cat >/dev/null';
const WAYS = { 'run, no reader': 'none', 'raw follow': 'raw', SSE: 'sse', NDJSON: 'ndjson' } as const;

const LINE = 'a line of text as a compiler or a test run prints it: 12345 passed, 0 failed';
const lines = (bytes: number) => `yes '${LINE}' | head -c ${bytes}`;
const zeros = (bytes: number) => `head -c ${bytes} /dev/zero`;

function loads(quick: boolean) {
  const share = quick ? 32 : 1;
  return [
    { what: '1 GiB of text', runs: 1, atOnce: 1, bytes: (1024 * MIB) / share, program: lines },
    { what: '100 × 10 MiB of text', runs: quick ? 10 : 100, atOnce: 10, bytes: 10 * MIB, program: lines },
    { what: '128 MiB of zero bytes', runs: 1, atOnce: 1, bytes: (128 * MIB) / share, program: zeros },
  ];
}

/** Large output, read in each way, beside the same program piped into cat. */
export const stream: Part<StreamReport> = {
  name: 'stream',
  async run(bench) {
    const directory = bench.directory('stream');
    const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'));
    const client = startClient(join(import.meta.dirname, '../clients/streams.ts'));
    try {
      const pids = () => [server.pid, server.supervisorPid() ?? 0];
      const byRunwire = async (as: StreamsPlan['as'], load: ReturnType<typeof loads>[number]) => {
        const { runs, atOnce, bytes } = load;
        const command = ['/bin/sh', '-c', load.program(bytes)];
        const plan: StreamsPlan = {
          port: server.port,
          command,
          runs,
          atOnce,
          bytes,
          as,
          limitSeconds: LIMIT_SECONDS,
        };
        const before = cpuTime(pids()).own;
        const report = await client.ask<StreamsReport>(plan, LIMIT_SECONDS * 2);
        const { seconds, received, clientCpuSeconds } = report;
        return { seconds, received, cpu: cpuTime(pids()).own - before, clientCpu: clientCpuSeconds };
      };
      const warm = { what: '', runs: 4, atOnce: 2, bytes: (bench.quick ? 1 : 32) * MIB, program: lines };
      for (const as of Object.values(WAYS)) await byRunwire(as, warm);
      const rows: StreamRow[] = [];
      for (const load of loads(bench.quick)) {
        const { what, runs, atOnce, bytes } = load;
        bench.say(`stream: ${what}`);
        const sides = [
          { name: CAT, measure: () => byCat(load) },
          ...Object.entries(WAYS).map(([name, as]) => ({ name, measure: () => byRunwire(as, load) })),
        ];
        for (const [{ name }, rounds] of await inTurns(sides, bench.rounds, ({ measure }) => measure()))
          rows.push({ what, runs, atOnce, bytes, name, rounds });
      }
      return { rows };
    } finally {
      client.stop();
      await server.stop();
    }
  },
  tables,
  aims,
  charts: (report) => ({ stream: barChart(chartOf(report)) }),
};

/** The same programs, as many at once, each piped into cat. */
async function byCat({
  runs,
  atOnce,
  bytes,
  program,
}: ReturnType<typeof loads>[number]): Promise<StreamRound> {
  const one = `${program(bytes)} ${CAT}`;
  const script = runs === 1 ? one : `seq ${runs} | xargs -P ${atOnce} -n 1 sh -c "${one}"`;
  const begin = performance.now();
  await promisify(execFile)('/bin/sh', ['-c', script], { timeout: LIMIT_SECONDS * 1000 });
  return { seconds: (performance.now() - begin) / 1000, received: runs * bytes, cpu: 0, clientCpu: 0 };
}

const of = (row: StreamRow, key: keyof StreamRound) => row.rounds.map((round) => round[key]);
const rates = (row: StreamRow) => of(row, 'seconds').map((seconds) => (row.runs * row.bytes) / 1e6 / seconds);
const catOf = ({ rows }: StreamReport, row: StreamRow) =>
  rows.find(({ what, name }) => what === row.what && name === CAT);

function toCat(report: StreamReport, row: StreamRow) {
  const cat = catOf(report, row);
  return ratios(rates(row), cat ? rates(cat) : []);
}

function tables(report: StreamReport): Table[] {
  return [
    {
      title: 'Large output',
      notes: [
        `Median of ${report.rows[0]?.rounds.length} rounds, in turns, from the submission until the reader has all; ratios round by round, with the least and the most.`,
        'Each run has one reader; 100 × 10 MiB are 10 at once. Every byte is counted, and every seq.',
        'CPU is processor seconds for 1 GB of output: of the server with the supervisor, and of the reader.',
      ],
      columns: [
        'output  read by',
        's',
        'MB/s',
        'MB/s ÷ | cat',
        'CPU server',
        'CPU reader',
        'bytes sent a byte of output',
      ],
      rows: report.rows.map((row) => {
        const total = row.runs * row.bytes;
        const perGB = (key: 'cpu' | 'clientCpu') => figure((median(of(row, key)) / total) * 1e9);
        const own = row.name !== CAT;
        return [
          `${row.what}: ${row.name}`,
          median(of(row, 'seconds')).toFixed(2),
          median(rates(row)).toFixed(0),
          withSpread(toCat(report, row)),
          own ? perGB('cpu') : '–',
          own ? perGB('clientCpu') : '–',
          own && row.name !== 'run, no reader' ? (median(of(row, 'received')) / total).toFixed(2) : '–',
        ];
      }),
    },
  ];
}

function aims(report: StreamReport): Aim[] {
  return report.rows.flatMap((row) => {
    const least = { 'raw follow': 0.8, SSE: 0.5 }[row.name];
    if (least === undefined || row.what.endsWith('zero bytes')) return [];
    const ratio = toCat(report, row);
    return [
      {
        aim: `${row.what}: ${row.name} ≥ ${least} of | cat`,
        measured: withSpread(ratio),
        reached: ratio.median >= least,
      },
    ];
  });
}

function chartOf({ rows }: StreamReport) {
  const groups = [...new Set(rows.map(({ what }) => what))];
  return {
    title: 'Large output: MB a second until the reader has all',
    note: 'Bars are medians, whiskers the least and the most of the rounds.',
    yLabel: 'MB a second',
    xLabel: 'output of the runs',
    groups,
    series: [...new Set(rows.map(({ name }) => name))].map((name) => ({
      name,
      own: name !== CAT,
      values: groups.map((group) => {
        const row = rows.find(({ what, name: each }) => what === group && each === name);
        return row === undefined ? null : spread(rates(row));
      }),
    })),
  };
}
