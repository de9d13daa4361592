import { setTimeout as pause } from 'node:timers/promises';
import type { Run, RunRecord } from '../../client/runwire.ts';
import { spinner } from '../process/spinner.ts';
import { reach } from '../process/watched-fetch.ts';
import { Pull } from './image-pull.ts';

/** How often a run that waits is asked for its place. */
const LOOK_MS = 1000;

/** Why a run does not begin yet. */
export function waitingWords({ reason, place, holders }: NonNullable<RunRecord['waiting']>): string {
  const before = place > 1 ? `, ${place - 1} before it` : '';
  const first = holders[0] === undefined ? '' : `, after ${holders[0]}`;
  const more = holders.length > 1 ? ` and ${holders.length - 1} more` : '';
  switch (reason) {
    case 'worker':
      return `waits for a worker to claim it${before}`;
    case 'draining':
      return 'waits for the next server: this one stops';
    case 'workspace':
      return `waits for its turn in the workspace${first}${more}${before}`;
    default:
      return `waits for a place${before}${first}${more}`;
  }
}

/**
 * Says on the terminal why a run writes nothing yet, until it does: its place in the queue, the pull of its image, the command of its
 * setup, that the server is away. Where there is no terminal nothing is asked. Returns how it ends.
 */
export function tellWhy(run: Run, record: RunRecord): () => void {
  if (!spinner.isSeen || record.result !== null) return () => {};
  const told: Told = { record, step: null };
  spinner.tell(() => (reach.isAway ? 'the server is not reached: trying again' : wordsOf(told)));
  const over = new AbortController();
  // What they fail with is told by who follows the run.
  void look(run, told, over.signal).catch(() => {});
  void readSteps(run, told, over.signal).catch(() => {});
  return () => {
    over.abort();
    spinner.rest();
  };
}

interface Told {
  record: RunRecord;
  /** What is done before the command, or what is said of it. */
  step: string | null;
}

function wordsOf({ record, step }: Told): string {
  if (record.waiting) return waitingWords(record.waiting);
  if (step !== null) return step;
  return record.started_at === null ? 'begins' : 'runs';
}

async function look(run: Run, told: Told, signal: AbortSignal): Promise<void> {
  while (told.record.started_at === null || told.record.waiting) {
    await pause(LOOK_MS, undefined, { signal, ref: false });
    told.record = await run.refresh({ signal });
  }
}

async function readSteps(run: Run, told: Told, signal: AbortSignal): Promise<void> {
  const pull = new Pull();
  for await (const event of run.events({ signal })) {
    if (event.type === 'status' && event.status === 'running') told.record = await run.refresh({ signal });
    if (event.type === 'progress') {
      const words = pull.take(event);
      told.step = words === undefined ? (setupWords(event.data) ?? event.message ?? told.step) : words;
    }
    const isOutput = event.type === 'stdout' || event.type === 'stderr';
    if (isOutput && event.phase === 'command') return;
  }
}

/** When its last command has ended is not told. */
function setupWords(data: unknown): string | undefined {
  const { type, command, commands } = (data ?? {}) as { type?: unknown; command?: number; commands?: number };
  if (type !== 'setup') return undefined;
  return `setup: command ${command} of ${commands}${command === commands ? ', or already the program' : ''}`;
}
