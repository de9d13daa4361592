import { barChart } from '../chart.ts';
import type { Part } from '../part.ts';
import type { Peer } from '../peer.ts';
import { execa } from '../peers/execa.ts';
import { runwirePeer } from '../peers/runwire-peer.ts';
import { programs } from '../program.ts';
import { inTurns } from '../rounds.ts';
import { median, ratios, spread } from '../statistics.ts';
import { megabytes, type Table, withSpread } from '../tables.ts';
import { type Measured, orSkip, servedSide, startLoad } from './exec-sides.ts';

interface MemoryRow {
  name: string;
  /** What the server was given to hold, in bytes. */
  held: number;
  rounds: Measured[];
}

export interface MemoryReport {
  seconds: number;
  atOnce: number;
  rows: MemoryRow[];
}

const AT_ONCE = 16;
const HELD = [0, 250e6, 1000e6];
/** Of the machine's free memory for each byte held: two servers hold it, and neither may swap. */
const ROOM = 3;

/** /bin/true, 16 at once, while the server holds memory: libuv's spawn copies the page tables of the whole process. */
export const memory: Part<MemoryReport> = {
  name: 'memory',
  async run(bench) {
    const seconds = bench.quick ? 0.4 : 1.25;
    const directory = bench.directory('memory');
    const [program] = programs(directory);
    if (program === undefined) throw new Error('no program');
    const room = process.availableMemory();
    const fitting = HELD.filter((held) => held * ROOM <= room);
    for (const held of HELD.filter((each) => !fitting.includes(each)))
      bench.skip(`spawn with ${megabytes(held)} MB held: there are ${megabytes(room)} MB free`);
    const peers: { peer: Peer; held: number; name: string }[] = [];
    const load = startLoad();
    try {
      for (const held of fitting) {
        bench.say(`memory: servers that hold ${held / 1e6} MB`);
        peers.push({ peer: await runwirePeer(directory, held), held, name: 'runwire' });
        const others = await orSkip(bench, 'fastify + execa', () => execa(directory, bench.installer, held));
        peers.push(...others.map((peer) => ({ peer, held, name: 'fastify + execa' })));
      }
      const sides = peers.flatMap(({ peer, held, name }) =>
        peer
          .targets(program)
          .slice(0, 1)
          .map((target) => ({ held, name, side: servedSide('peer', peer, target, load) })),
      );
      for (const { side } of sides) await side.measure(AT_ONCE, bench.quick ? 0.3 : 2);
      bench.say('memory: rounds');
      const measured = await inTurns(sides, bench.rounds, ({ side }) => side.measure(AT_ONCE, seconds));
      const rows = [...measured].map(([{ name, held }, rounds]) => ({ name, held, rounds }));
      return { seconds, atOnce: AT_ONCE, rows };
    } finally {
      load.stop();
      for (const { peer } of peers) await peer.stop();
    }
  },
  tables,
  aims: (report) => {
    const row = report.rows.findLast(({ name }) => name === 'runwire');
    if (row === undefined || row.held === 0) return [];
    const ratio = toEmpty(report, row);
    return [
      {
        aim: `/bin/true, ${report.atOnce} at once, ${megabytes(row.held)} MB held: req/s as with none (≥ 0.9)`,
        measured: withSpread(ratio),
        reached: ratio.median >= 0.9,
      },
    ];
  },
  charts: (report) => ({ memory: barChart(chartOf(report)) }),
};

const rates = ({ rounds }: MemoryRow) => rounds.map(({ perSecond }) => perSecond);

function toEmpty({ rows }: MemoryReport, row: MemoryRow) {
  const empty = rows.find(({ name, held }) => name === row.name && held === 0);
  return ratios(rates(row), empty ? rates(empty) : []);
}

function tables(report: MemoryReport): Table[] {
  return [
    {
      title: `/bin/true over HTTP, ${report.atOnce} at once, with memory held by the server`,
      notes: [
        `Median of ${report.rows[0]?.rounds.length} rounds of ${report.seconds} s each, in turns; ratios round by round, with the least and the most.`,
        'Half of what is held are buffers, half are objects and strings in the heap of V8. RSS is of the server with its helpers.',
      ],
      columns: ['held MB  server', 'RSS MB', 'req/s', 'p50 ms', 'p99 ms', 'req/s ÷ the same with none'],
      rows: report.rows.map((row) => [
        `${String(row.held / 1e6).padStart(7)}  ${row.name}`,
        megabytes(median(row.rounds.map(({ rss }) => rss))),
        median(rates(row)).toFixed(0),
        median(row.rounds.map(({ p50 }) => p50)).toFixed(2),
        median(row.rounds.map(({ p99 }) => p99)).toFixed(2),
        withSpread(toEmpty(report, row)),
      ]),
    },
  ];
}

function chartOf({ rows, atOnce }: MemoryReport) {
  const sizes = [...new Set(rows.map(({ held }) => held))];
  return {
    title: `/bin/true over HTTP, ${atOnce} at once: runs a second by what the server holds`,
    note: 'Bars are medians, whiskers the least and the most of the rounds.',
    yLabel: 'runs a second',
    xLabel: 'memory held by the server, MB',
    groups: sizes.map((held) => String(held / 1e6)),
    series: [...new Set(rows.map(({ name }) => name))].map((name) => ({
      name,
      own: name === 'runwire',
      values: sizes.map((held) => {
        const row = rows.find((each) => each.name === name && each.held === held);
        return row === undefined ? null : spread(rates(row));
      }),
    })),
  };
}
