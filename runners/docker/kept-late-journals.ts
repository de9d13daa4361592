import { afterMs } from '../../src/platform/timer.ts';
import { LetGo } from './attendance.ts';
import { putKeeperBack } from './kept-keeper.ts';
import type { KeptOutput } from './kept-output.ts';
import type { KeptPlace } from './kept-place.ts';
import type { KeptProgramPlan } from './kept-plan.ts';
import { KeptProgram } from './kept-program.ts';
import { KeptStop } from './kept-stop.ts';
import type { RunTools } from './tools.ts';

/** Who was ended lets go of its pipes at once: a journal without an end that says nothing for so long has none. */
const QUIET_MS = 3000;
/** Nor is one waited for longer that somebody who could not be ended writes on to. */
const MOST_MS = 60_000;

/**
 * Journals of what commands of a setup left running, one after the other: so a later server finds the same order. Read
 * while it writes, and to their end when it has been ended.
 */
export class LateJournals {
  readonly #programs: KeptProgram[];
  readonly #closed: AbortSignal;
  readonly #over = new AbortController();
  #read = 0;
  #following: Promise<void> = Promise.resolve();
  #noted = (): void => {};

  constructor(
    { daemon, reconnectMs, closed }: Pick<RunTools, 'daemon' | 'reconnectMs' | 'closed'>,
    { container }: Pick<KeptPlace, 'container'>,
    plans: readonly KeptProgramPlan[],
    output: KeptOutput,
  ) {
    this.#closed = closed;
    const tools = { daemon, reconnectMs, closed: AbortSignal.any([closed, this.#over.signal]) };
    const stop = new KeptStop({ slow() {}, stuck() {} });
    const mend = () => putKeeperBack(daemon, container);
    this.#programs = plans.map((plan) => {
      const program = new KeptProgram(tools, plan, { begun: true, startsNothing: true, output, stop, mend });
      program.onFrame = () => this.#noted();
      return program;
    });
  }

  follow(): void {
    this.#following = this.#go();
    this.#following.catch(() => {}); // told to whoever takes the rest
  }

  /** Who writes has been ended. False: not all that it wrote could be had. */
  async rest(): Promise<boolean> {
    const give = (): void => this.#over.abort();
    let inTime = afterMs(QUIET_MS, give);
    const inAll = afterMs(MOST_MS, give);
    this.#noted = () => {
      inTime();
      inTime = afterMs(QUIET_MS, give);
    };
    try {
      await this.#following;
      await this.#go(); // what could not be had before
      return this.#read === this.#programs.length;
    } finally {
      this.#noted = () => {};
      inTime();
      inAll();
      this.close();
    }
  }

  /** What is not read is for the next server, or nobody's. */
  close(): void {
    this.#over.abort();
    for (const program of this.#programs) program.disconnect();
  }

  /** From where it was until one has no end now. */
  async #go(): Promise<void> {
    try {
      for (const program of this.#programs.slice(this.#read)) {
        await program.attend();
        program.disconnect();
        if (!program.hasAll) return;
        this.#read++;
      }
    } catch (error) {
      if (!(error instanceof LetGo) || this.#closed.aborted) throw error;
    }
  }
}
