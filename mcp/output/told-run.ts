import type { RunRecord } from '../../client/runwire.ts';
import { fitting } from './text.ts';

/** So much is repeated of why a run ended as it did, in bytes of JSON. */
const MOST_WORDS = 300;

/** A run in few words, for a model. */
export interface ToldRun {
  [name: string]: unknown;
  id: string;
  status: RunRecord['status'];
  finished: boolean;
  kind: string;
  name?: string;
  exit_code?: number;
  signal?: string;
  /** Why it ended so, or waits. */
  why?: string;
  run_ms?: number;
  artifacts?: number;
}

export function toldRun(record: RunRecord): ToldRun {
  const { invocation, status, runtime_kind: kind, result, outcome } = record;
  const name = invocation.runtime_name;
  const why = whyOf(record);
  return {
    id: invocation.invocation_id,
    status,
    finished: result !== null,
    kind,
    ...(name !== kind && { name: clipped(name, 100) }),
    ...(typeof outcome?.exit_code === 'number' && { exit_code: outcome.exit_code }),
    ...(outcome?.signal && { signal: outcome.signal }),
    ...(why !== null && { why }),
    ...(outcome?.timings.run_ms !== undefined && { run_ms: Math.round(outcome.timings.run_ms) }),
    ...(result !== null && { artifacts: result.artifacts.length }),
  };
}

/** The same in one line. */
export function runLine({ id, status, exit_code, signal, why, run_ms }: ToldRun): string {
  const facts = [
    exit_code !== undefined && `exit code ${exit_code}`,
    signal !== undefined && `by ${signal}`,
    run_ms !== undefined && `after ${run_ms} ms`,
  ].filter(Boolean);
  return `run ${id}: ${[status, ...facts].join(', ')}${why === undefined ? '' : ` (${why})`}`;
}

/** Its work was not done, and that says nothing of the program: it was not begun, or is lost. */
export function isUndone({ outcome }: RunRecord): boolean {
  const { ended } = outcome ?? {};
  return ended === 'rejected' || ended === 'never_started' || ended === 'setup_failed' || ended === 'lost';
}

function whyOf({ result, waiting }: RunRecord): string | null {
  if (result !== null)
    return result.error_summary === null ? null : clipped(result.error_summary, MOST_WORDS);
  if (waiting === undefined) return null;
  const holders = waiting.holders.slice(0, 3).join(', ');
  return clipped(
    `waits for ${WAITING[waiting.reason]}, ${waiting.place} in line${holders && `, held by ${holders}`}`,
    MOST_WORDS,
  );
}

const WAITING: { readonly [reason in NonNullable<RunRecord['waiting']>['reason']]: string } = {
  places: 'a place of programs',
  calls: 'a place of calls',
  draining: 'the server to come back',
  worker: 'a worker or a person to take it',
  workspace: 'its turn in the workspace',
};

/** Cut where it takes more in JSON. */
function clipped(words: string, room: number): string {
  const edges = { cutBefore: false, cutAfter: false };
  const { text, isCut } = fitting(Buffer.from(words), { room: room - 3, side: 'first', ...edges });
  return isCut ? `${text}…` : text;
}
