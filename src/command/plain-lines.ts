import { stripVTControlCharacters } from 'node:util';
import { parseJson } from '../platform/json-parse.ts';

interface Line {
  level: number;
  time: number;
  msg?: string;
  [fact: string]: unknown;
}

const LEVELS: readonly [from: number, name: string][] = [
  [60, 'fatal: '],
  [50, 'error: '],
  [40, 'warning: '],
  [30, ''],
  [0, 'debug: '],
];
/** Lines that a person has no use for. */
const FOR_PROGRAMS = new Set(['configuration', 'finished runs are kept within these limits']);

/** What every line has, or what says nothing to a person. */
const UNSAID = ['level', 'time', 'pid', 'hostname', 'msg'];

/**
 * A line of the log (JSON, of pino) as a person reads it: time, what, and facts. Null for what a person has no use
 * for: the configuration and what follows of it, and runs that went well.
 */
export function plainLine(json: string): string | null {
  const line = parseJson(json) as Line; // written by pino
  const { msg = '' } = line;
  if (FOR_PROGRAMS.has(msg)) return null;
  const words = msg === 'run finished' ? ofRun(line) : ofFacts(line);
  if (words === null) return null;
  const level = LEVELS.find(([from]) => line.level >= from)?.[1] ?? '';
  return `${clock(line.time)} ${level}${oneLine(words)}\n`;
}

function ofRun({ invocation_id, kind, status, seconds, error }: Line): string | null {
  if (status === 'succeeded') return null;
  const why = error === null || error === undefined ? '' : `: ${error}`;
  return `run ${invocation_id} (${kind}) ${status} after ${Number(seconds).toFixed(1)} s${why}`;
}

function ofFacts(line: Line): string {
  const facts = Object.entries(line)
    .filter(([name]) => !UNSAID.includes(name))
    .map(([name, fact]) => `${name}=${shown(fact)}`);
  return [line.msg, ...facts].filter((part) => part !== undefined && part !== '').join(' ');
}

function shown(fact: unknown): string {
  if (typeof fact === 'object' && fact !== null && 'message' in fact) return JSON.stringify(fact.message);
  return typeof fact === 'string' && /^[\w./:-]+$/.test(fact) ? fact : JSON.stringify(fact);
}

const clock = (time: number): string => {
  const date = new Date(time);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

/** What a program or a client wrote moves no cursor, begins no line and turns none around. */
export const oneLine = (words: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  stripVTControlCharacters(words).replaceAll(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+/g, ' ');
