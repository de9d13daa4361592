import type { Kill } from '../../documents/outcome.ts';
import type { Captures, ExitFacts, SpawnFailure } from '../protocol/messages.ts';
import type { SupervisorMessage } from './line.ts';

/** What became of a program whose supervisor died. */
export interface LostFacts {
  captures: Captures;
  end: number;
  nextSeq: number;
  /** What was done to end what was left of it. */
  kill: Kill;
}

/** What the supervisor tells of one run. Exactly one of exited, failed, lost and absent is called, last. */
export interface ProgramListener {
  started?(pid: number): void;
  grew(end: number): void;
  active(): void;
  exited(facts: ExitFacts, end: number): void;
  failed(failure: SpawnFailure, captures: Captures | null, nextSeq: number): void;
  /** The supervisor died and took its knowledge along; null when none could be started to look. */
  lost(facts: LostFacts | null): void;
  /** No supervisor ever began with the run. */
  absent(): void;
}

export type RunMessage = Exclude<SupervisorMessage, { op: 'reply' }>;

export function tell(listener: ProgramListener, message: RunMessage): void {
  switch (message.op) {
    case 'started':
      return listener.started?.(message.pid);
    case 'grew':
      return listener.grew(message.end);
    case 'active':
      return listener.active();
    case 'exit':
      return listener.exited(message.facts, message.end);
    case 'failed':
      return listener.failed(message.failure, message.captures, message.next_seq);
    case 'lost': {
      const { captures, end, next_seq: nextSeq, kill } = message;
      return listener.lost({ captures, end, nextSeq, kill });
    }
    case 'absent':
      return listener.absent();
    case 'unreadable':
      return listener.lost(null);
  }
}
