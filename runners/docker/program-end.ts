import type { JournalFrame } from './keeper/frames.ts';

/** How a program in a kept container came to its end. */
export type ProgramEnd =
  /** `left`: what it left running writes on. */
  | { how: 'exited'; exited: ExitedFrame; killed: KilledFrame | null; left: boolean }
  /** The kernel would not execute it. */
  | { how: 'not_started'; errno: number }
  /** Nothing was begun, and why not. */
  | { how: 'never'; words: string; container: 'there' | 'stopped' | 'paused' | 'gone' }
  /** It was begun, and nobody knows how it ended. */
  | { how: 'lost'; words: string; container: 'there' | 'stopped' | 'gone' };

export type ExitedFrame = Extract<JournalFrame, { type: 'exited' }>;
export type KilledFrame = Extract<JournalFrame, { type: 'killed' }>;

/** What its keeper is asked: to run it, or what it has written of it. */
export type Mode = 'run' | 'read';

/** What has come of one connection to its keeper. */
export type Way =
  | { how: 'ended'; end: ProgramEnd }
  | { how: 'again'; mode: Mode; words: string }
  | { how: 'silent'; words: string };

export function never(words: string, container: 'there' | 'stopped' | 'paused' | 'gone'): Way {
  return { how: 'ended', end: { how: 'never', words, container } };
}

const SIGKILL = 9;

/** Another than its keeper was told to kill it, and was faster: the keeper found nobody to kill any more. */
export function killedBeside(end: ProgramEnd): ProgramEnd {
  if (end.how !== 'exited' || end.killed !== null || end.exited.signal !== SIGKILL) return end;
  return { ...end, killed: { type: 'killed', termSent: false, killSent: true, survivors: 0 } };
}
