import { type BarChart, barChart } from '../chart.ts';
import type { Aim } from '../part.ts';
import { median, ratios, spread } from '../statistics.ts';
import { figure, megabytes, type Table, withSpread } from '../tables.ts';
import type { ExecReport, ExecRow } from './exec.ts';
import type { Measured } from './exec-sides.ts';

const of = (row: ExecRow, key: keyof Measured) => row.rounds.map((round) => round[key]);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
/** Processor seconds for 1,000 runs, over all rounds. */
const perThousand = (row: ExecRow, key: keyof Measured) =>
  (sum(of(row, key)) / sum(of(row, 'answered'))) * 1000;

/** The rows of one program at one number at once, and what they are compared with. */
interface Cell {
  program: string;
  atOnce: number;
  rows: ExecRow[];
  best: ExecRow | undefined;
  floor: ExecRow | undefined;
  lighttpd: ExecRow | undefined;
}

function cells({ rows }: ExecReport): Cell[] {
  return [...Map.groupBy(rows, (row) => `${row.program}\n${row.atOnce}`).values()].map((group) => {
    const [{ program, atOnce } = { program: '', atOnce: 0 }] = group;
    const peers = group.filter(({ role }) => role === 'peer');
    const rate = (row: ExecRow) => median(of(row, 'perSecond'));
    return {
      program,
      atOnce,
      rows: group,
      best: peers.toSorted((a, b) => rate(b) - rate(a))[0],
      floor: group.find(({ role }) => role === 'floor'),
      lighttpd: peers.find(({ name }) => name.startsWith('lighttpd')),
    };
  });
}

const ratio = (row: ExecRow, base: ExecRow | undefined, key: keyof Measured) =>
  base === undefined || (key !== 'perSecond' && row.role === 'floor')
    ? null
    : ratios(of(row, key), of(base, key));

export function execTables(report: ExecReport): Table[] {
  return [...Map.groupBy(cells(report), ({ program }) => program)].map(([program, list]) => ({
    title: `${program} over HTTP, ${list.map(({ atOnce }) => atOnce).join(', ')} at once`,
    notes: [
      `Median of ${list[0]?.rows[0]?.rounds.length} rounds of ${report.seconds} s each, in turns; ratios round by round, with the least and the most.`,
      `The best peer is the one with the most requests a second: ${list.map(({ atOnce, best }) => `${best?.name ?? 'none'} at ${atOnce}`).join(', ')}.`,
      `CPU is processor seconds for 1,000 runs: of the server with its helpers, and of the programs that it ran. ${clientShare(list)}`,
      versionsOf(report),
    ],
    columns: [
      'at once  how',
      'req/s',
      'p50 ms',
      'p99 ms',
      'RSS MB',
      'CPU server',
      'CPU programs',
      'req/s ÷ best peer',
      'req/s ÷ floor',
      'p99 ÷ lighttpd',
    ],
    rows: list.flatMap((cell) => cell.rows.map((row) => line(cell, row))),
  }));
}

function line(cell: Cell, row: ExecRow): string[] {
  const shown = (base: ExecRow | undefined, key: keyof Measured) => {
    const value = ratio(row, base, key);
    return value === null ? '–' : withSpread(value);
  };
  return [
    `${String(cell.atOnce).padStart(7)}  ${row.name}`,
    median(of(row, 'perSecond')).toFixed(0),
    median(of(row, 'p50')).toFixed(2),
    median(of(row, 'p99')).toFixed(2),
    megabytes(median(of(row, 'rss'))),
    perThousand(row, 'cpu').toFixed(3),
    perThousand(row, 'programsCpu').toFixed(3),
    shown(cell.best, 'perSecond'),
    shown(cell.floor, 'perSecond'),
    shown(cell.lighttpd, 'p99'),
  ];
}

/** What the load generator takes of the processors: it shares them with the servers. */
function clientShare(list: readonly Cell[]): string {
  const served = list.flatMap(({ rows }) => rows.filter(({ role }) => role !== 'floor'));
  const seconds = served.map((row) => perThousand(row, 'clientCpu'));
  return `The load generator, on the same processors, took ${figure(Math.min(...seconds))} to ${figure(Math.max(...seconds))} s for 1,000.`;
}

function versionsOf({ versions }: ExecReport): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return list.length === 0 ? 'No peer was there.' : `Versions: ${list.join(', ')}.`;
}

/** The row that does what the peers do: the output in the answer, when there is any. */
const comparable = (cell: Cell) =>
  cell.rows.find(({ name }) => name === 'runwire, text/plain') ??
  cell.rows.find(({ name }) => name === 'runwire');

export function execAims(report: ExecReport): Aim[] {
  return cells(report)
    .filter(({ atOnce }) => atOnce <= 16)
    .flatMap((cell) => {
      const row = comparable(cell);
      if (row === undefined) return [];
      const where = `${cell.program}, ${cell.atOnce} at once`;
      const rate = ratio(row, cell.best, 'perSecond');
      const toFloor = cell.atOnce === 16 ? ratio(row, cell.floor, 'perSecond') : null;
      const tail = ratio(row, cell.lighttpd, 'p99');
      return [
        rate && {
          aim: `${where}: req/s ≥ 1.0 × the best peer`,
          measured: withSpread(rate),
          reached: rate.median >= 1,
        },
        toFloor && {
          aim: `${where}: req/s ≥ 0.65 × the floor`,
          measured: withSpread(toFloor),
          reached: toFloor.median >= 0.65,
        },
        tail && {
          aim: `${where}: p99 ≤ 2 × lighttpd's`,
          measured: withSpread(tail),
          reached: tail.median <= 2,
        },
      ].filter((aim) => aim !== null);
    });
}

export function execCharts(report: ExecReport): Record<string, string> {
  const list = cells(report);
  return Object.fromEntries(
    [...Map.groupBy(list, ({ program }) => program)].map(([program, group], index) => [
      index === 0 ? 'exec' : 'exec-output',
      barChart(chartOf(program, group)),
    ]),
  );
}

function chartOf(program: string, group: readonly Cell[]): BarChart {
  const names = [...new Set(group.flatMap(({ rows }) => rows.map(({ name }) => name)))];
  const roleOf = (name: string) => group[0]?.rows.find((row) => row.name === name)?.role;
  const values = (name: string) =>
    group.map(({ rows }) => {
      const row = rows.find((each) => each.name === name);
      return row === undefined ? null : spread(of(row, 'perSecond'));
    });
  const series = names.map((name) => ({ name, own: roleOf(name) === 'runwire', values: values(name) }));
  return {
    title: `${program} over HTTP: runs a second`,
    note: 'Bars are medians, whiskers the least and the most of the rounds; the dashed line is posix_spawn in C without a server.',
    yLabel: 'runs a second',
    xLabel: 'programs at once',
    groups: group.map(({ atOnce }) => String(atOnce)),
    series: series.filter(({ name }) => roleOf(name) !== 'floor'),
    reference: series.find(({ name }) => roleOf(name) === 'floor'),
  };
}
