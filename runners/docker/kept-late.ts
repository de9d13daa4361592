import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { killWords } from './keeper/words.ts';
import { askKeeper } from './kept-keeper.ts';
import { LateJournals } from './kept-late-journals.ts';
import { KeptOutput } from './kept-output.ts';
import { commandUser, type KeptPlace } from './kept-place.ts';
import type { DockerSpec } from './spec.ts';
import type { RunTools } from './tools.ts';

type Context = RunContext<DockerSpec>;

/** What a setup wrote, and what it left running writes on: that is the setup's too. */
export class LateSetup {
  #output: KeptOutput | null = null;
  readonly #tools: RunTools;
  readonly #ctx: Context;
  readonly #place: KeptPlace;
  /** Commands whose leftovers write on. */
  readonly #steps: number[] = [];
  #journals: LateJournals | null = null;
  #whole = true;

  constructor(tools: RunTools, ctx: Context, place: KeptPlace) {
    this.#tools = tools;
    this.#ctx = ctx;
    this.#place = place;
  }

  get output(): KeptOutput {
    this.#output ??= new KeptOutput(this.#ctx.output, 'setup');
    return this.#output;
  }

  left(step: number): void {
    this.#steps.push(step);
  }

  /** All commands of it have ended. */
  over(): void {
    if (this.#steps.length === 0) this.#ctx.output.complete('setup');
  }

  /** The command has begun: what is written from now on is told as it comes. */
  follow(): void {
    if (this.#steps.length > 0 && this.#journals === null) this.#late().follow();
  }

  close(): void {
    this.#journals?.close();
  }

  /**
   * Nothing of the run goes on. Who left it was ended with the command (`commandEnded`), or is ended now; all that it wrote until then
   * is had.
   */
  async take(commandEnded: boolean): Promise<void> {
    const last = this.#steps.at(-1);
    if (last === undefined) return;
    const { container } = this.#place;
    const user = this.#ctx.setup?.user ?? container.user;
    const argv = killWords(this.#place.directoryOf(last));
    if (!commandEnded || user !== commandUser(container, this.#ctx))
      await askKeeper(this.#tools.daemon, container, { user, argv }).catch(() => {}); // it ends with the container
    this.#whole = await this.#late().rest();
    this.#ctx.output.complete('setup');
  }

  noted(outcome: RunnerOutcome): RunnerOutcome {
    const lost = this.#output?.lost ?? 0;
    const notes = [
      ...(lost > 0 ? [`${lost} bytes of output of the setup are lost: the engine could not store them`] : []),
      ...(this.#whole ? [] : ['not all that the setup left running wrote could be had']),
    ];
    return notes.length === 0 ? outcome : { ...outcome, notes: [...(outcome.notes ?? []), ...notes] };
  }

  #late(): LateJournals {
    const plans = this.#steps.map((step) => this.#place.latePlan(this.#ctx, step));
    this.#journals ??= new LateJournals(this.#tools, this.#place, plans, this.output);
    return this.#journals;
  }
}
