import type { SupervisorLine } from './line.ts';

/** Supervisors of other versions: each is left when the last run that is waited for there is over. */
export class OtherSupervisors {
  /** With the runs that are still to be seen to their end; null: which these are is not known. */
  readonly #lines = new Map<SupervisorLine, Set<string> | null>();

  get lines(): SupervisorLine[] {
    return [...this.#lines.keys()];
  }

  add(line: SupervisorLine): void {
    this.#lines.set(line, line.runs && new Set(line.runs));
  }

  has(line: SupervisorLine): boolean {
    return this.#lines.has(line);
  }

  /** False: it had been left. */
  delete(line: SupervisorLine): boolean {
    return this.#lines.delete(line);
  }

  /** One that does not say what it has is asked: it is older than the first that could have had a run beside it. */
  with(run: string): SupervisorLine | undefined {
    const { lines } = this;
    return lines.find(({ runs }) => runs?.has(run)) ?? lines.find(({ runs }) => runs === null);
  }

  /** This run is over. */
  over(line: SupervisorLine, run: string): void {
    const left = this.#lines.get(line);
    if (left?.delete(run) && left.size === 0) this.#leave(line);
  }

  /** Leave those that have nothing that is waited for. */
  leaveIdle(): void {
    for (const [line, left] of this.#lines) if (left?.size === 0) this.#leave(line);
  }

  /** A supervisor of another version without a server ends itself with its last program. */
  #leave(line: SupervisorLine): void {
    if (this.#lines.delete(line)) void line.close('leave');
  }
}
