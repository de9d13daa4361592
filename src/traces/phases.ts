import type { Outcome } from '../documents/outcome.ts';
import type { EndedRun, Ending } from './traced-run.ts';

/** From, to: ms since the epoch, with a fraction. */
export type Span = readonly [from: number, to: number];

export interface Phases {
  whole: Span;
  queue: Span;
  setup: Span | null;
  run: Span | null;
  collect: Span | null;
}

/**
 * When each part of a run was. Its record has moments (accepted, begun, over) and how long each part took. The parts of work
 * that a server saw end are counted back from that moment, so that what came before them, such as the pull of an image, is
 * before them. Work that ended while no server lived is counted from when it began.
 */
export function phasesOf(run: EndedRun, { finishedAt, outcome }: Ending): Phases {
  const { createdAt, startedAt, workEndedAt } = run;
  const end = Math.max(createdAt, finishedAt);
  const whole = [createdAt, end] as const;
  const queue = [createdAt, within(whole, startedAt ?? end)] as const;
  if (startedAt === null || workEndedAt === null)
    return { whole, queue, setup: null, run: null, collect: null };
  const begun = queue[1];
  const over = within([begun, end], workEndedAt);
  const { collect_ms: collectMs } = outcome.timings;
  const collect = collectMs === undefined ? null : ([over, within([over, end], over + collectMs)] as const);
  return { whole, queue, ...workOf([begun, over], outcome, run.endUnseen), collect };
}

function workOf(work: Span, { timings, started, ended }: Outcome, endUnseen: boolean) {
  const { spawn_ms: spawnMs = 0, setup_ms: setupMs, run_ms: runMs, drain_ms: drainMs = 0 } = timings;
  const hasRun = runMs !== undefined || (started && ended !== 'setup_failed');
  const at = (moment: number): number => within(work, moment);
  const known = (runMs ?? 0) + (setupMs ?? 0);
  const isCounted = runMs !== undefined || !hasRun;
  const from = endUnseen || !isCounted ? work[0] + spawnMs : work[1] - drainMs - known;
  const setupEnd = from + (setupMs ?? 0);
  const runEnd = runMs === undefined ? work[1] : setupEnd + runMs;
  return {
    setup: setupMs === undefined ? null : ([at(from), at(setupEnd)] as const),
    run: hasRun ? ([at(setupEnd), at(runEnd)] as const) : null,
  };
}

const within = ([from, to]: Span, moment: number): number => Math.min(Math.max(moment, from), to);
