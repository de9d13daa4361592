import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { afterMs } from '../../src/platform/timer.ts';
import { LetGo } from './attendance.ts';
import { killWords } from './keeper/words.ts';
import { askKeeper, putKeeperBack } from './kept-keeper.ts';
import { KeptOutput } from './kept-output.ts';
import { commandUser, type KeptPlace } from './kept-place.ts';
import type { KeptProgramPlan } from './kept-plan.ts';
import { KeptProgram } from './kept-program.ts';
import { KeptStop } from './kept-stop.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';

type Context = RunContext<DockerSpec>;

/** What was ended lets go of its pipes at once; what could not be is waited for no longer. */
const LATE_MS = 3000;

/** What a setup wrote, and what it left running writes on: that is the setup's too. */
export class LateSetup {
  #output: KeptOutput | null = null;
  readonly #tools: RunTools;
  readonly #ctx: Context;
  readonly #place: KeptPlace;
  /** Commands whose leftovers write on. */
  readonly #steps: number[] = [];
  #notes: string[] = [];

  constructor(tools: RunTools, ctx: Context, place: KeptPlace) {
    this.#tools = tools;
    this.#ctx = ctx;
    this.#place = place;
  }

  get output(): KeptOutput {
    this.#output ??= new KeptOutput(this.#ctx.output, 'setup');
    return this.#output;
  }

  /** Bytes that the disk of the engine did not take. */
  get lost(): number {
    return this.#output?.lost ?? 0;
  }

  left(step: number): void {
    this.#steps.push(step);
  }

  /** All commands of it have ended. */
  over(): void {
    if (this.#steps.length === 0) this.#ctx.output.complete('setup');
  }

  /**
   * Nothing of the run goes on. Who left it was ended with the command (`commandEnded`), or is ended now; all that it wrote until then
   * is had.
   */
  async take(commandEnded: boolean): Promise<void> {
    const last = this.#steps.at(-1);
    if (last === undefined) return;
    const plans = this.#steps.map((step) => this.#place.latePlan(this.#ctx, step));
    const { container } = this.#place;
    const user = plans[0]?.user ?? '';
    const argv = killWords(this.#place.directoryOf(last));
    if (!commandEnded || user !== commandUser(container, this.#ctx))
      await askKeeper(this.#tools.daemon, container, { user, argv }).catch(() => {}); // it ends with the container
    if (!(await takeLate(this.#tools, this.#place, plans, this.output)))
      this.#notes = ['not all that the setup left running wrote could be had'];
    this.#ctx.output.complete('setup');
  }

  noted(outcome: RunnerOutcome): RunnerOutcome {
    return this.#notes.length === 0
      ? outcome
      : { ...outcome, notes: [...(outcome.notes ?? []), ...this.#notes] };
  }
}

/**
 * What commands of a setup left running has written, once it is ended: their journals one after the other, so that a later server
 * finds the same order. False: not all of it could be had.
 */
async function takeLate(
  { daemon, reconnectMs, closed }: Pick<RunTools, 'daemon' | 'reconnectMs' | 'closed'>,
  place: KeptPlace,
  plans: readonly KeptProgramPlan[],
  output: KeptOutput,
): Promise<boolean> {
  const over = new AbortController();
  const inTime = afterMs(LATE_MS, () => over.abort());
  const tools = { daemon, reconnectMs, closed: AbortSignal.any([closed, over.signal]) };
  const stop = new KeptStop({ slow() {}, stuck() {} });
  const mend = () => putKeeperBack(daemon, place.container);
  try {
    for (const plan of plans) {
      const journal = new KeptProgram(tools, plan, { begun: true, startsNothing: true, output, stop, mend });
      await journal.attend();
      journal.disconnect();
      if (!journal.hasAll) return false;
    }
    return true;
  } catch (error) {
    if (!(error instanceof LetGo) || closed.aborted) throw error;
    return false;
  } finally {
    inTime();
  }
}
