import { type Outcome, untoldGaps } from '../documents/outcome.ts';
import type { RuntimeResult } from '../documents/result.ts';
import type { Channel } from '../documents/stream.ts';
import type { JournalBounds } from './holes.ts';
import type { LogEntry, LoggedEvent } from './logged-event.ts';

export interface EndedRun {
  finishedAt: number;
  result: RuntimeResult;
  outcome: Outcome;
}

/** The events that no journal has, for they follow from the stored result: gaps, artifacts, `finished`. */
export function entriesOf({ finishedAt: time, result, outcome }: EndedRun): LogEntry[] {
  const gaps = untoldGaps(outcome);
  let seq = outcome.last_seq - result.artifacts.length - gaps.length;
  const entries: LogEntry[] = gaps.map((gap) => ({ seq: seq++, time, type: 'gap', ...gap }));
  for (const artifact of result.artifacts) entries.push({ seq: seq++, time, type: 'artifact', artifact });
  entries.push({ seq, time, type: 'finished', result, outcome });
  return entries;
}

/** What the journal between these status events and the events of the result must have told of. */
export function boundsOf(statuses: readonly LogEntry[], suffix: readonly LoggedEvent[]): JournalBounds {
  const last = suffix.at(-1)?.entry;
  if (last?.type !== 'finished') throw new Error('the run has not finished');
  const bytesOf = (channel: Channel): number => {
    const facts = last.outcome[channel];
    return facts ? facts.bytes - (facts.gap?.length ?? 0) : 0;
  };
  return {
    from: statuses.length + 1,
    to: suffix[0]?.seq ?? last.seq,
    bytesOf,
    time: statuses.at(-1)?.time ?? last.time,
  };
}
