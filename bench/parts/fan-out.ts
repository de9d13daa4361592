import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startClient } from '../client.ts';
import type { FanOutPlan, FanOutReport } from '../clients/fan-out.ts';
import type { Bench, Part } from '../part.ts';
import { runwire } from '../peers/runwire.ts';
import { watchResident } from '../resident.ts';
import { median, spread } from '../statistics.ts';
import { megabytes, withSpread } from '../tables.ts';
import { orSkip } from './exec-sides.ts';

interface FanOutRow {
  readers: number;
  stopped: number;
  rounds: FanOutReport[];
  /** Bytes: of the server and of the supervisor, over all rounds, above what they had before the first. */
  serverGrowth: number;
  supervisorGrowth: number;
}

export interface FanOutPartReport {
  seconds: number;
  bytesPerSecond: number;
  rows: FanOutRow[];
}

const BYTES_PER_SECOND = 5e6;
const LIMIT_SECONDS = 120;
const LEVELS = [
  { readers: 1, stopped: 0 },
  { readers: 100, stopped: 0 },
  { readers: 100, stopped: 50 },
  { readers: 1000, stopped: 0 },
  { readers: 1000, stopped: 500 },
];

/** One run at a steady rate and many readers of it, who all get every byte, also those who stop reading for a while. */
export const fanOut: Part<FanOutPartReport> = {
  name: 'fan-out',
  async run(bench) {
    const seconds = bench.quick ? 0.5 : 2;
    const [emitter] = await orSkip(bench, 'fan-out', () => bench.installer.compile('emitter.c'));
    if (emitter === undefined) return null;
    const report: FanOutPartReport = { seconds, bytesPerSecond: BYTES_PER_SECOND, rows: [] };
    for (const level of LEVELS) report.rows.push(await measure(bench, emitter, level, seconds));
    return report;
  },
  tables: ({ seconds, bytesPerSecond, rows }) => [
    {
      title: `One run that prints ${megabytes(bytesPerSecond)} MB/s for ${seconds} s, and many SSE readers`,
      notes: [
        `Median of ${rows[0]?.rounds.length} rounds, a new server for each line; in brackets the least and the most.`,
        "Lag is from the program's write to a reader's read, over the readers that do not stop. Stopped readers take nothing until the others have all.",
        'Where the readers together want more than the machine moves, they fall behind, catch up from the files, and the lag says so.',
        'Every reader got every byte: the bodies were compared with each other, and one was decoded and hashed.',
        'Growth is the most resident memory of any time of all rounds, above that of the idle server after one small run.',
      ],
      columns: [
        'readers  of them stopped',
        'lag p50 ms',
        'lag p99 ms',
        'all read, s after the end',
        'sent MB/s',
        'server grows MB',
        'supervisor grows MB',
      ],
      rows: rows.map(({ readers, stopped, rounds, serverGrowth, supervisorGrowth }) => [
        `${String(readers).padStart(7)}  ${stopped}`,
        withSpread(spread(rounds.map(({ lagP50 }) => lagP50)), 1),
        withSpread(spread(rounds.map(({ lagP99 }) => lagP99)), 1),
        withSpread(spread(rounds.map(({ allSeconds }) => allSeconds))),
        median(
          rounds.map(({ received, allSeconds }) => (received * readers) / 1e6 / (seconds + allSeconds)),
        ).toFixed(0),
        megabytes(serverGrowth),
        megabytes(supervisorGrowth),
      ]),
    },
  ],
  aims: ({ rows }) =>
    rows
      .filter(({ readers }) => readers === 1000)
      .map(({ readers, stopped, serverGrowth, supervisorGrowth }) => ({
        aim: `${readers} readers, ${stopped} of them stopped: resident memory grows by < 200 MB`,
        measured: `${megabytes(serverGrowth + supervisorGrowth)} MB`,
        reached: serverGrowth + supervisorGrowth < 200e6,
      })),
};

async function measure(
  bench: Bench,
  emitter: string,
  { readers, stopped }: (typeof LEVELS)[number],
  seconds: number,
): Promise<FanOutRow> {
  bench.say(`fan-out: ${readers} readers, ${stopped} of them stopped`);
  const directory = bench.directory(`fan-out/${readers}-${stopped}`);
  const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'));
  const client = startClient(join(import.meta.dirname, '../clients/fan-out.ts'));
  try {
    const plan: FanOutPlan = {
      port: server.port,
      emitter,
      readers,
      stopped,
      bytesPerSecond: BYTES_PER_SECOND,
      seconds,
      leadSeconds: 0.3 + readers * 0.001,
      limitSeconds: LIMIT_SECONDS,
    };
    const ask = (changes: Partial<FanOutPlan>) =>
      client.ask<FanOutReport>({ ...plan, ...changes }, LIMIT_SECONDS);
    await ask({ readers: 1, stopped: 0, seconds: 0.5, leadSeconds: 0.3 });
    await sleep(500);
    const watched = watchResident({ server: server.pid, supervisor: server.supervisorPid() ?? 0 }, 50);
    const rounds: FanOutReport[] = [];
    for (let round = 0; round < bench.rounds; round++) rounds.push(await ask({}));
    const grown = watched();
    const growth = (name: string) => (grown[name]?.peak ?? Number.NaN) - (grown[name]?.before ?? Number.NaN);
    return {
      readers,
      stopped,
      rounds,
      serverGrowth: growth('server'),
      supervisorGrowth: growth('supervisor'),
    };
  } finally {
    client.stop();
    await server.stop();
  }
}
