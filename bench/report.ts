import type { Machine } from './machine.ts';
import { PARTS } from './parts.ts';
import type { Table } from './tables.ts';

/** One run of the bench, as it is written to a file. */
export interface BenchReport {
  /** When it began, RFC 3339. */
  at: string;
  command: string;
  machine: Machine;
  rounds: number;
  quick: boolean;
  /** How long it took. */
  seconds: number;
  /** What was not measured, each with the reason. */
  skipped: string[];
  /** Parts that broke off, each with the error. */
  failed: Record<string, string>;
  /** By the name of the part. */
  parts: Record<string, object>;
}

/** The tables of one part of the run; none when the part is not in it. */
export function tablesOf({ parts }: BenchReport, name: string): Table[] {
  const report = parts[name];
  return (report && PARTS.find((part) => part.name === name)?.tables(report)) ?? [];
}

/** What was to be reached and what was, of all parts of the run. */
export function aimsTable({ parts }: BenchReport): Table {
  const aims = PARTS.flatMap((part) => {
    const report = parts[part.name];
    return report === undefined ? [] : part.aims(report);
  });
  const reached = aims.filter((aim) => aim.reached).length;
  return {
    title: `Aims: ${reached} of ${aims.length} reached`,
    notes: [],
    columns: ['aim', 'measured', 'reached'],
    rows: aims.map(({ aim, measured, reached: yes }) => [aim, measured, yes ? 'yes' : 'NO']),
  };
}

/** Charts of all parts of the run, as SVG, by name. */
export function chartsOf({ parts }: BenchReport): Record<string, string> {
  const charts = PARTS.map((part) => {
    const report = parts[part.name];
    return report === undefined ? {} : part.charts(report);
  });
  return Object.assign({}, ...charts) as Record<string, string>;
}

/** As JSON, with as many digits as mean something. */
export function reportText(report: BenchReport): string {
  const short = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(6)) : value;
  return `${JSON.stringify(report, short, 1)}\n`;
}
