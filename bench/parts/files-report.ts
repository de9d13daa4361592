import type { Aim } from '../part.ts';
import { median, ratios } from '../statistics.ts';
import { figure, megabytes, type Table, withSpread } from '../tables.ts';

export const OWN = 'runwire';
const MAX_HEALTH_MS = 50;
const MAX_GROWTH = 100e6;
const LEAST_OF_PEER = 0.5;

export interface FilesRound {
  seconds: number;
  /** Of the server: processor seconds, growth of its resident memory, and the longest that /healthz took meanwhile, ms. */
  cpu: number;
  grown: number;
  healthMs: number;
}

export interface FilesRow {
  what: string;
  name: string;
  rounds: FilesRound[];
}

export interface FilesReport {
  rows: FilesRow[];
}

const of = (row: FilesRow, key: keyof FilesRound) => row.rounds.map((round) => round[key]);

/** How fast, of what the other program is. */
function toPeer({ rows }: FilesReport, row: FilesRow) {
  const peer = rows.find(({ what, name }) => what === row.what && name !== OWN);
  return ratios(peer ? of(peer, 'seconds') : [], of(row, 'seconds'));
}

const ownRows = ({ rows }: FilesReport) => rows.filter(({ name }) => name === OWN);
const isLarge = ({ what }: FilesRow) => what.includes('GB');

export function tables(report: FilesReport): Table[] {
  return [
    {
      title: 'Files in and out',
      notes: [
        `Median of ${report.rows[0]?.rounds.length} rounds, in turns; ratios round by round, with the least and the most.`,
        'By curl on loopback: in until the run is accepted, out until curl has all.',
        'CPU, growth of resident memory and the longest that /healthz took meanwhile are of the server; of the last two the worst round.',
      ],
      columns: ['what  by', 's', 'speed ÷ the program', 'CPU s', 'growth MB', '/healthz ms'],
      rows: report.rows.map((row) => {
        const own = row.name === OWN;
        return [
          `${row.what}: ${row.name}`,
          figure(median(of(row, 'seconds'))),
          own ? withSpread(toPeer(report, row)) : '–',
          own ? figure(median(of(row, 'cpu'))) : '–',
          own ? megabytes(Math.max(...of(row, 'grown'))) : '–',
          own ? figure(Math.max(...of(row, 'healthMs'))) : '–',
        ];
      }),
    },
  ];
}

export function aims(report: FilesReport): Aim[] {
  return ownRows(report).flatMap((row) => {
    const ratio = toPeer(report, row);
    const peer = report.rows.find(({ what, name }) => what === row.what && name !== OWN)?.name ?? '';
    const speed = {
      aim: `files ${row.what} ≥ ${LEAST_OF_PEER} of ${peer}`,
      measured: withSpread(ratio),
      reached: ratio.median >= LEAST_OF_PEER,
    };
    if (!isLarge(row)) return [speed];
    const grown = Math.max(...of(row, 'grown'));
    const healthMs = Math.max(...of(row, 'healthMs'));
    return [
      speed,
      {
        aim: `files ${row.what}: the server grows by ≤ 100 MB`,
        measured: `${megabytes(grown)} MB`,
        reached: grown <= MAX_GROWTH,
      },
      {
        aim: `files ${row.what}: /healthz within ${MAX_HEALTH_MS} ms`,
        measured: `${figure(healthMs)} ms`,
        reached: healthMs <= MAX_HEALTH_MS,
      },
    ];
  });
}
