import type { Installer } from './install.ts';
import type { Table } from './tables.ts';

/** What every part is given. */
export interface Bench {
  /** A new folder for what the part's servers write. */
  directory(name: string): string;
  installer: Installer;
  rounds: number;
  /** A smoke: every measurement is made, and none is long enough to mean anything. */
  quick: boolean;
  /** Something is not measured, and why. */
  skip(what: string): void;
  /** Progress, for who watches. */
  say(line: string): void;
}

/** One subject of the bench. What it shows is made from its report alone, so that a recorded one can be shown too. */
export interface Part<Report extends object> {
  name: string;
  /** Null when it cannot be measured here, which has been said. */
  run(bench: Bench): Promise<Report | null>;
  tables(report: Report): Table[];
  aims?(report: Report): Aim[];
  /** Charts as SVG, by the name of their file. */
  charts?(report: Report): Record<string, string>;
}

/** What is to be reached, and what was. */
export interface Aim {
  aim: string;
  measured: string;
  reached: boolean;
}
