import type { Aim, Bench, Part } from './part.ts';
import { exec } from './parts/exec.ts';
import type { Table } from './tables.ts';

/** A part whose report is told apart by its name only: it came from this part, now or in a recorded run. */
export interface AnyPart {
  name: string;
  run(bench: Bench): Promise<object>;
  tables(report: object): Table[];
  aims(report: object): Aim[];
  charts(report: object): Record<string, string>;
}

function any<Report extends object>(part: Part<Report>): AnyPart {
  return {
    name: part.name,
    run: part.run,
    tables: (report) => part.tables(report as Report),
    aims: (report) => part.aims?.(report as Report) ?? [],
    charts: (report) => part.charts?.(report as Report) ?? {},
  };
}

/** In the order in which they are run. */
export const PARTS: readonly AnyPart[] = [any(exec)];
