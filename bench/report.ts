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
  /** By the name of the part. */
  parts: Record<string, object>;
}

/** What was to be reached and what was, of all parts of the run; undefined when none has an aim. */
export function aimsTable({ parts }: BenchReport): Table | undefined {
  const aims = PARTS.flatMap((part) => {
    const report = parts[part.name];
    return report === undefined ? [] : part.aims(report);
  });
  if (aims.length === 0) return undefined;
  return {
    title: 'Aims',
    notes: [],
    columns: ['aim', 'measured', 'reached'],
    rows: aims.map(({ aim, measured, reached }) => [aim, measured, reached ? 'yes' : 'NO']),
  };
}
