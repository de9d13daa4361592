import type { Aim, Bench, Part } from './part.ts';
import { commandLine } from './parts/command-line.ts';
import { concurrency } from './parts/concurrency.ts';
import { exec } from './parts/exec.ts';
import { fanOut } from './parts/fan-out.ts';
import { files } from './parts/files.ts';
import { history } from './parts/history.ts';
import { http } from './parts/http.ts';
import { latency } from './parts/latency.ts';
import { memory } from './parts/memory.ts';
import { recovery } from './parts/recovery.ts';
import { slowReaders } from './parts/slow-readers.ts';
import { snapshots } from './parts/snapshots.ts';
import { stream } from './parts/stream.ts';
import type { Table } from './tables.ts';

/** A part whose report is told apart by its name only: it came from this part, now or in a recorded run. */
export interface AnyPart {
  name: string;
  /** Run only when it is named. */
  extra: boolean;
  run(bench: Bench): Promise<object | null>;
  tables(report: object): Table[];
  aims(report: object): Aim[];
  charts(report: object): Record<string, string>;
}

function any<Report extends object>(part: Part<Report>, extra = false): AnyPart {
  return {
    name: part.name,
    extra,
    run: part.run,
    tables: (report) => part.tables(report as Report),
    aims: (report) => part.aims?.(report as Report) ?? [],
    charts: (report) => part.charts?.(report as Report) ?? {},
  };
}

/** In the order in which they are run. */
export const PARTS: readonly AnyPart[] = [
  any(exec),
  any(memory),
  any(stream),
  any(latency),
  any(fanOut),
  any(history),
  any(concurrency),
  any(http),
  any(files),
  any(slowReaders, true),
  any(recovery, true),
  any(snapshots, true),
  any(commandLine, true),
];
