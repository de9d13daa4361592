import { join } from 'node:path';
import { startClient } from '../client.ts';
import type { LatencyPlan, LatencyReport } from '../clients/latency.ts';
import type { Part } from '../part.ts';
import { runwire } from '../peers/runwire.ts';
import { inTurns } from '../rounds.ts';
import { median, spread } from '../statistics.ts';
import { withSpread } from '../tables.ts';
import { orSkip } from './exec-sides.ts';

interface LatencyRow {
  programs: number;
  intervalMs: number;
  name: string;
  rounds: LatencyReport[];
}

export interface LatencyPartReport {
  seconds: number;
  rows: LatencyRow[];
}

/** How many programs run, and how often each prints a line. */
const LEVELS = [
  { programs: 1, intervalMs: 10 },
  { programs: 50, intervalMs: 100 },
  { programs: 500, intervalMs: 500 },
];
/** Until so many programs are started, on a slow machine too. */
const leadSeconds = (programs: number) => 0.4 + programs * 0.005;

/** From a program's write to the client's read, with few and with many programs running. */
export const latency: Part<LatencyPartReport> = {
  name: 'latency',
  async run(bench) {
    const seconds = bench.quick ? 1 : 2;
    const [emitter] = await orSkip(bench, 'latency', () => bench.installer.compile('emitter.c'));
    if (emitter === undefined) return null;
    const directory = bench.directory('latency');
    const settings = { RUNWIRE_MAX_CONCURRENT: '600' };
    const server = await runwire(join(directory, 'data'), join(directory, 'runwire.log'), settings);
    const client = startClient(join(import.meta.dirname, '../clients/latency.ts'));
    const measure = (port: number | null, level: (typeof LEVELS)[number]) => {
      const plan: LatencyPlan = {
        ...level,
        port,
        emitter,
        seconds,
        leadSeconds: leadSeconds(level.programs),
      };
      return client.ask<LatencyReport>(plan, 120);
    };
    try {
      const rows: LatencyRow[] = [];
      for (const port of [server.port, null]) await measure(port, { programs: 20, intervalMs: 20 });
      for (const level of LEVELS) {
        bench.say(`latency: ${level.programs} programs`);
        const sides = [
          { name: 'SSE', port: server.port },
          { name: 'a pipe, no server', port: null },
        ];
        const measured = await inTurns(sides, bench.rounds, ({ port }) => measure(port, level));
        for (const [{ name }, rounds] of measured) rows.push({ ...level, name, rounds });
      }
      return { seconds, rows };
    } finally {
      client.stop();
      await server.stop();
    }
  },
  tables: ({ seconds, rows }) => [
    {
      title: "From a program's write to the client's read",
      notes: [
        `Median of ${rows[0]?.rounds.length} rounds of ${seconds} s each, in turns, with the least and the most. Every program prints a line now and then with the time in it; one client reads them all.`,
        'The pipe is what the same client reads without a server between.',
      ],
      columns: ['programs  read by', 'lines/s', 'p50 ms', 'p99 ms', 'longest ms'],
      rows: rows.map(({ programs, intervalMs, name, rounds }) => [
        `${String(programs).padStart(8)}  ${name}`,
        ((programs * 1000) / intervalMs).toFixed(0),
        withSpread(spread(rounds.map(({ p50 }) => p50))),
        withSpread(spread(rounds.map(({ p99 }) => p99))),
        Math.max(...rounds.map(({ max }) => max)).toFixed(1),
      ]),
    },
  ],
  aims: ({ rows }) =>
    rows
      .filter(({ programs, name }) => programs === 50 && name === 'SSE')
      .map(({ rounds }) => {
        const p50 = median(rounds.map((round) => round.p50));
        return {
          aim: 'write to read with 50 programs running: p50 < 2 ms',
          measured: `${p50.toFixed(2)} ms`,
          reached: p50 < 2,
        };
      }),
};
