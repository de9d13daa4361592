import type { Kill } from '../../documents/outcome.ts';
import type { SetupStep } from '../../documents/setup.ts';
import type { Captures, ExitFacts, SpawnFailure } from '../protocol/messages.ts';
import type { SupervisorMessage } from './line.ts';

/** What became of a program whose supervisor died. */
export interface LostFacts {
  captures: Captures;
  end: number;
  nextSeq: number;
  /** What was done to end what was left of it. */
  kill: Kill;
  /** Commands of its setup that had ended. */
  steps: SetupStep[];
}

/** What the supervisor tells of one run. Exactly one of exited, failed, lost and absent is called, last. */
export interface ProgramListener {
  started?(pid: number): void;
  /** Of a run with a setup: its command began so long ago, ms. Told again to who adopts it, before `started`. */
  began?(msAgo: number): void;
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
    case 'began':
      return listener.began?.(message.ms_ago);
    case 'grew':
      return listener.grew(message.end);
    case 'active':
      return listener.active();
    case 'exit':
      return listener.exited(message.facts, message.end);
    case 'failed':
      return listener.failed(message.failure, message.captures, message.next_seq);
    case 'lost': {
      const { captures, end, next_seq: nextSeq, kill, steps = [] } = message;
      return listener.lost({ captures, end, nextSeq, kill, steps });
    }
    case 'absent':
      return listener.absent();
    case 'unreadable':
      return listener.lost(null);
  }
}
