import type { Run, RunRecord } from '../../client/runwire.ts';
import { isUndone, runLine, toldRun } from '../output/told-run.ts';

/** A run as a task: the id of the one is that of the other, so that it is found from any process, also after both servers died. */
export interface TaskFacts {
  taskId: string;
  status: 'working' | 'completed' | 'failed' | 'cancelled';
  statusMessage: string;
  createdAt: string;
  lastUpdatedAt: string;
}

/** In ms: who asks again and again asks so rarely. */
const QUICK_POLL = 1000;
const SLOW_POLL = 5000;
const QUICK_FOR_MS = 60_000;

/** `undone`: what a run is whose work was not done. */
export function taskOf(record: RunRecord, undone: 'completed' | 'failed'): TaskFacts {
  const { invocation, created_at, started_at, finished_at } = record;
  return {
    taskId: invocation.invocation_id,
    status: statusOf(record, undone),
    statusMessage: runLine(toldRun(record)),
    createdAt: created_at,
    lastUpdatedAt: finished_at ?? started_at ?? created_at,
  };
}

export const pollInterval = ({ created_at: at }: RunRecord): number =>
  Date.now() - Date.parse(at) < QUICK_FOR_MS ? QUICK_POLL : SLOW_POLL;

/** The record as it is now. */
export const look = (run: Run, signal: AbortSignal): Promise<RunRecord> => run.refresh({ signal });

function statusOf(record: RunRecord, undone: 'completed' | 'failed'): TaskFacts['status'] {
  if (record.result === null) return 'working';
  if (record.status === 'cancelled') return 'cancelled';
  return isUndone(record) ? undone : 'completed';
}
