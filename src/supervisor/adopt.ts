import { runDirectoryAt } from '../disk/run-directory.ts';
import { messageOf } from '../platform/error-words.ts';
import { type KillParts, killAll } from './find/kill-rounds.ts';
import { type Marks, markOf } from './find/marks.ts';
import type { FromSupervisor, ToSupervisor } from './protocol/messages.ts';
import { completeExit, completeJournal, readRemains } from './salvage.ts';
import type { ServedTimes } from './served.ts';

/** Nobody waits for a lost run: what a busy machine takes time to end is not called a survivor. */
const LOST_SETTLE_MS = 5000;

export type AdoptRequest = Extract<ToSupervisor, { op: 'adopt' }>;

export interface AdoptParts extends KillParts {
  /** What tells this data directory from others of the same path. */
  place: string;
  served: ServedTimes;
}

/** Take on a run of an earlier supervisor: by its last words, or by ending its orphans. Returns what became of it. Never throws. */
export async function adopt(request: AdoptRequest, parts: AdoptParts): Promise<FromSupervisor> {
  const { run } = request;
  try {
    return await lookAtRemains(request, parts);
  } catch (error) {
    console.error(`runwire supervisor: ${run} could not be adopted: ${String(error)}`);
    return { op: 'unreadable', run, message: messageOf(error) };
  }
}

async function lookAtRemains(request: AdoptRequest, parts: AdoptParts): Promise<FromSupervisor> {
  const { run, directory, first_seq, started_at, rebooted = false, setup = false } = request;
  const files = runDirectoryAt(directory);
  const { recorded, exit, failed, started, steps } = await readRemains(files, first_seq, rebooted);
  // Nothing written: it was never handed over, if this supervisor would have been the one to get it.
  if (!recorded && parts.served.had(started_at)) return { op: 'absent', run };
  if (exit && recorded) return { op: 'exit', run, ...completeExit(files, first_seq, recorded, exit) };
  const marks: Marks = {
    run,
    leader: started?.pid ?? null,
    leaderGoneAt: null,
    ...(started && { leaderStartTime: started.start_time }),
    mark: started ? null : markOf(parts.place, directory),
  };
  // After a restart of the machine its marks could only be found on strangers.
  const { found, survivors } =
    failed || rebooted ? { found: false, survivors: 0 } : await killAll(parts, marks, LOST_SETTLE_MS);
  const { captures, end, next_seq } = completeJournal(files, first_seq, recorded, setup);
  if (failed) return { op: 'failed', run, failure: failed, captures, next_seq };
  const kill = { signals: found ? ['SIGKILL'] : [], survivors };
  return { op: 'lost', run, captures, end, next_seq, kill, ...(steps.length > 0 && { steps }) };
}
