import { RunwireError } from '../../documents/errors.ts';
import type { ToSupervisor } from '../protocol/messages.ts';
import type { SupervisorLine } from './line.ts';

/** What supervisors were asked and have not answered yet, by number. */
export class Questions {
  readonly #open = new Map<number, { line: SupervisorLine; settle: (error: string | null) => void }>();
  #n = 0;

  /** Rejects with a RunwireError of this code when the supervisor refuses, in its words, or is gone before it answers. */
  ask(
    line: SupervisorLine,
    refused: 'stdin_closed' | 'not_running',
    message: (n: number) => ToSupervisor,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const n = ++this.#n;
      const settle = (error: string | null): void =>
        error === null ? resolve() : reject(new RunwireError(refused, error));
      this.#open.set(n, { line, settle });
      line.send(message(n));
    });
  }

  answered(n: number, error: string | null): void {
    this.#open.get(n)?.settle(error);
    this.#open.delete(n);
  }

  /** This supervisor answers no more. */
  lost(line: SupervisorLine): void {
    for (const [n, question] of this.#open)
      if (question.line === line && this.#open.delete(n)) question.settle('the supervisor is gone');
  }
}
