import type { TerminalSize } from '../../../src/documents/terminal.ts';
import { KEEPER_DIRECTORY, KEEPER_PATH } from './binary.ts';

/** Where the directories of programs are: every user of the container may make one. */
export const RUNS_DIRECTORY = `${KEEPER_DIRECTORY}/runs`;

/** Where what a program left running writes: behind the name of its directory. */
export const LATE = '.late';

/** What a keeper answers that a caller can act on: its exit code. */
export const KEEPER_CODES = {
  usage: 2,
  closed: 3,
  taken: 120,
  noJournal: 121,
  keeperDied: 122,
  forged: 123,
} as const;

/** Numbers of Linux, the same on every architecture that there is a keeper for. */
const RESOURCES = { cpu: 0, fileSize: 1, core: 4, openFiles: 7 } as const;
export type Resource = keyof typeof RESOURCES;

export interface ProgramPlan {
  /** Absolute; its parent exists. */
  directory: string;
  argv: readonly string[];
  /** Inherited by all that the program starts. */
  mark: string;
  /** What it leaves running is left alone. */
  stays: boolean;
  /** And what that writes is kept, in LATE. Keepers of earlier versions cannot. */
  keepsLate: boolean;
  hasInput: boolean;
  /** With input alone. Keepers of earlier versions have none. */
  terminal: TerminalSize | null;
  /** Bytes kept of each stream. */
  keptBytes: number;
  timeLimitMs: number | null;
  graceMs: number;
  limits: Readonly<Partial<Record<Resource, number>>>;
}

/** The first process of a container. */
export const INIT: readonly string[] = [KEEPER_PATH, 'init'];

/** Starts the program, where nothing was started in its directory, and tells its journal on stdout. */
export function runWords(plan: ProgramPlan): string[] {
  const number = (word: string, value: number | null) =>
    value === null ? [] : [word, String(Math.ceil(value))];
  return [
    ...[KEEPER_PATH, 'run', '-f', '-c', '-m', plan.mark],
    ...(plan.keepsLate ? ['-k'] : plan.stays ? ['-s'] : []),
    ...(plan.hasInput ? ['-i'] : []),
    ...(plan.terminal ? ['-y', sizeWord(plan.terminal)] : []),
    ...number('-o', plan.keptBytes),
    ...number('-t', plan.timeLimitMs),
    ...number('-g', plan.graceMs),
    ...Object.entries({ core: 0, ...plan.limits }).flatMap(([resource, most]) => [
      '-l',
      `${RESOURCES[resource as Resource]}:${most}`,
    ]),
    ...[plan.directory, '--', ...plan.argv],
  ];
}

/** The journal from that byte on, until its end. */
export function readWords(directory: string, from: number): string[] {
  return [KEEPER_PATH, 'read', '-c', directory, String(from)];
}

export const feedWords = (directory: string): string[] => [KEEPER_PATH, 'feed', directory];
/** All that carries the mark of a keeper that was killed. */
export const killWords = (directory: string): string[] => [KEEPER_PATH, 'kill', directory];
export const forgetWords = (directories: readonly string[]): string[] => [
  KEEPER_PATH,
  'forget',
  ...directories,
];

/** Files, by who may. */
export const unlinkWords = (files: readonly string[]): string[] => [KEEPER_PATH, 'unlink', ...files];

const sizeWord = ({ cols, rows }: TerminalSize): string => String(cols * 65536 + rows);

/** On the stdin of `run` and `read`. */
export const LINES = {
  stop: (graceMs: number): string => `stop ${Math.max(0, Math.ceil(graceMs))}\n`,
  signal: (number: number): string => `signal ${number}\n`,
  size: (size: TerminalSize): string => `size ${sizeWord(size)}\n`,
  endOfInput: 'eof\n',
  forget: 'forget\n',
} as const;
