import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import { type SetupStep, setupProgress } from '../../src/documents/setup.ts';
import { changeContainerRecord } from './container-record.ts';
import { killWords } from './keeper/words.ts';
import { KeptInput } from './kept-input.ts';
import { askKeeper, putKeeperBack } from './kept-keeper.ts';
import { LateSetup } from './kept-late.ts';
import { failedSetup, keptOutcome, SET_UP, setupStep } from './kept-outcome.ts';
import { KeptOutput } from './kept-output.ts';
import { commandUser, type KeptPlace } from './kept-place.ts';
import { KeptProgram } from './kept-program.ts';
import { isGone } from './kept-state.ts';
import { KeptStop } from './kept-stop.ts';
import { ranOutOfMemory } from './out-of-memory.ts';
import { neverStarted } from './outcome.ts';
import { killedBeside, type ProgramEnd } from './program-end.ts';
import type { DockerSpec } from './spec.ts';
import { isOpenInput, wantsInput } from './stdin.ts';
import type { RunTools } from './tools.ts';

type Context = RunContext<DockerSpec>;

/** A journal that has been silent for so long has told what there was when it was begun to be read. */
const QUIET_MS = 300;

export interface SequenceParts {
  place: KeptPlace;
  /** An earlier server began it. */
  resumed: boolean;
  /** Monotonic moment at which the runner was called, ms. */
  began: number;
  /** The standard input of an earlier server is cut off. */
  cut: boolean;
  /** The container does not run: start it, where what it held may be missed. Null: it may not; else why it could not, or ''. */
  restart: (() => Promise<string>) | null;
}

/** What has come of it, and how to let its last keeper forget it once that is stored (`KeptProgram.forget`). */
export interface Sequenced {
  outcome: RunnerOutcome;
  /** What is known of the container. */
  container: 'there' | 'stopped' | 'paused' | 'gone';
  /** The command's keeper was killed: what it left is to be ended. */
  orphaned: boolean;
  forget(): boolean;
}

/** The programs of a run, one after the other: its setup, then its command. */
export class Sequence {
  readonly #tools: RunTools;
  readonly #ctx: Context;
  readonly #parts: SequenceParts;
  readonly #stop: KeptStop;
  readonly #metadata: Record<string, string>;
  /** Null: the command has none. */
  readonly #input: KeptInput | null;
  readonly #steps: SetupStep[] = [];
  /** The program that is at work. */
  #at: { user: string; directory: string } | null = null;
  #quiet: NodeJS.Timeout | undefined;
  #goesOn: boolean;
  readonly #late: LateSetup;
  /** Another than its keeper was told to kill what runs. */
  #slow = false;
  #spawnMs: number | null = null;
  #setupMs: number | null = null;

  constructor(tools: RunTools, ctx: Context, parts: SequenceParts) {
    this.#tools = tools;
    this.#late = new LateSetup(tools, ctx, parts.place);
    this.#ctx = ctx;
    this.#parts = parts;
    this.#goesOn = !parts.resumed;
    const { container } = parts.place;
    const ids = { 'docker.container_id': container.id, 'docker.image_id': container.image };
    this.#metadata = parts.cut ? { ...ids, 'docker.stdin': 'cut' } : ids;
    this.#input = wantsInput(ctx) && !ctx.session?.isSetup ? inputOf(tools, ctx, parts.place) : null;
    this.#stop = new KeptStop({
      slow: () => {
        if (this.#at === null) return;
        const argv = killWords(this.#at.directory);
        this.#slow = true;
        void askKeeper(tools.daemon, container, { ...this.#at, argv }).catch(() => {}); // then it is the container that is ended
      },
      stuck: () => {
        void tools.daemon
          .ask((docker) => docker.getContainer(container.id).kill({ signal: 'SIGKILL' }))
          .catch(() => {}); // it has ended, or the engine is away: the program is waited for no longer than that
      },
    });
  }

  async run(): Promise<Sequenced> {
    const { signal, setup, session, offer } = this.#ctx;
    const stopStopping = this.#stop.on(signal);
    // What comes while the setup runs waits for the command.
    offer({ ...this.#stop.controls(this.#ctx.invocation.options), ...this.#input?.controls() });
    try {
      const failed = setup === null ? null : await this.#setUp();
      if (failed !== null) return failed;
      if (session?.isSetup) return this.#done(SET_UP(this.#steps, this.#timings()));
      return await this.#command();
    } finally {
      this.#input?.close();
      this.#late.close();
      stopStopping();
      clearTimeout(this.#quiet);
    }
  }

  /** Null: all of them ended with 0. */
  async #setUp(): Promise<Sequenced | null> {
    const { setup, signal } = this.#ctx;
    const { commands = [], timeoutMs = 0 } = setup ?? {};
    const { place } = this.#parts;
    let since: number | null = null;
    const from = performance.now();
    for (const [step, argv] of commands.entries()) {
      if (signal.aborted && !place.mayHaveBegun(step)) return this.#abortedBefore();
      const isNew = !place.mayHaveBegun(step);
      const left = timeoutMs - (since === null ? performance.now() - from : Date.now() - since);
      const end = await this.#attend(step, {
        plan: () => place.setupPlan(this.#ctx, step, argv, Math.max(1, left)),
        output: this.#late.output,
        onStarted: ({ at }) => {
          since ??= Math.min(at, Date.now());
          if (isNew) this.#ctx.output.progress(setupProgress(argv, step + 1, commands.length));
        },
      });
      end.program.disconnect();
      this.#steps.push(setupStep(argv, end.end));
      if (end.end.how === 'exited' && end.end.left) this.#late.left(step);
      // Under an earlier server too.
      this.#setupMs = Math.max(performance.now() - from, since === null ? 0 : Date.now() - since);
      if (end.end.how === 'exited' && end.end.exited.timedOut) this.#ctx.timedOut('setup');
      if (end.end.how !== 'exited' || end.end.exited.exitCode !== 0) {
        await this.#late.take(false);
        const facts = { metadata: this.#metadata, timings: this.#timings(), stuck: this.#stop.stuck };
        const outcome = failedSetup(end.end, { ...facts, setup: this.#steps, count: commands.length });
        return { ...this.#done(outcome), ...whereabouts(end.end) };
      }
    }
    this.#late.over();
    return null;
  }

  async #command(): Promise<Sequenced> {
    const ctx = this.#ctx;
    const { place } = this.#parts;
    const step = ctx.setup?.commands.length ?? 0;
    const resumed = place.mayHaveBegun(step);
    if (ctx.signal.aborted && !resumed) return this.#abortedBefore();
    const plan = place.commandPlan(ctx, step);
    const output = new KeptOutput(ctx.output, 'command');
    const input = this.#input;
    /** By this clock, and by that of the container. */
    let started: { here: number; there: number } | null = null;
    if (!resumed) ctx.commandBegins();
    const { end, program } = await this.#attend(step, {
      plan: () => plan,
      output,
      onStarted: ({ at }, program) => {
        started = { here: performance.now(), there: at };
        this.#late.follow();
        if (resumed) ctx.commandBegins(Math.max(0, Date.now() - at));
        if (input !== null) this.#feed(input, program);
      },
    });
    const { here = null, there = null } = (started ?? {}) as { here?: number; there?: number };
    if (end.how === 'exited' && end.exited.timedOut) ctx.timedOut('run');
    const { firstByteAt } = output;
    await this.#late.take(end.how === 'exited');
    const memoryLimit = ctx.spec.memory_bytes ?? ctx.invocation.options.limits?.memory_bytes ?? null;
    const seen = { end, limit: memoryLimit, startedAt: there };
    const outcome = keptOutcome(end, {
      argv: plan.argv,
      metadata: this.#metadata,
      outOfMemory: await ranOutOfMemory(this.#tools.daemon, plan.container, seen),
      memoryLimit,
      lostBytes: output.lost,
      timings: this.#timings(firstByteAt === null || here === null ? null : firstByteAt - here),
      setup: ctx.setup === null ? undefined : this.#steps,
      stuck: this.#stop.stuck,
      begun: step > 0,
    });
    return {
      ...{ outcome: this.#late.noted(outcome), ...whereabouts(end), orphaned: isOrphaned(end) },
      forget: () => program.forget(),
    };
  }

  /** What the invocation gives, once; where an earlier server came to give a part of it, its end. */
  #feed(input: KeptInput, program: KeptProgram): void {
    const { invocation, directory, outlives } = this.#ctx;
    input.started();
    if (isOpenInput(invocation)) return;
    if (this.#parts.cut) {
      program.tell('eof\n');
      return;
    }
    void input.give(this.#ctx).then(() => {
      try {
        changeContainerRecord(directory, { stdin: 'sent' });
        outlives();
      } catch {
        // A full disk: after a crash it counts as cut.
      }
    });
  }

  async #attend(
    step: number,
    about: {
      plan: () => ReturnType<KeptPlace['commandPlan']>;
      output: KeptOutput;
      onStarted: (frame: { at: number }, program: KeptProgram) => void;
    },
  ): Promise<{ end: ProgramEnd; program: KeptProgram }> {
    const { place, restart } = this.#parts;
    for (let restarts = 0; ; restarts++) {
      const begun = place.mayHaveBegun(step);
      place.begins(this.#ctx, step);
      const plan = about.plan();
      this.#at = { user: plan.user, directory: plan.directory };
      const program: KeptProgram = new KeptProgram(this.#tools, plan, {
        begun,
        output: about.output,
        stop: this.#stop,
        mend: () => putKeeperBack(this.#tools.daemon, place.container),
        onStarted: (frame) => {
          this.#spawnMs ??= performance.now() - this.#parts.began;
          about.onStarted(frame, program);
        },
      });
      this.#expectQuiet(program, begun);
      const end = await program.attend();
      clearTimeout(this.#quiet);
      program.onFrame = null;
      if (end.how !== 'never' || end.container !== 'stopped' || restart === null || restarts > 1)
        return { end: this.#slow ? killedBeside(end) : end, program };
      const words = await restart();
      if (words === '') continue;
      const isThere = !(await isGone(this.#tools.daemon, place.container.id));
      return { end: { ...end, words, container: isThere ? 'stopped' : 'gone' }, program };
    }
  }

  /** What an earlier server began, and has not ended, goes on. */
  #expectQuiet(program: KeptProgram, begun: boolean): void {
    if (this.#goesOn) return;
    const tell = (): void => {
      this.#goesOn = true;
      program.onFrame = null;
      this.#ctx.goesOn();
    };
    if (!begun) return tell();
    program.onFrame = () => {
      clearTimeout(this.#quiet);
      this.#quiet = setTimeout(tell, QUIET_MS);
    };
  }

  async #abortedBefore(): Promise<Sequenced> {
    await this.#late.take(false);
    const begun = this.#steps.length > 0;
    return this.#done({
      ...neverStarted('aborted before the command was started', this.#metadata),
      ...{ started: begun, retrySafe: !begun },
      ...(this.#ctx.setup !== null && { setup: this.#steps, timings: this.#timings() }),
    });
  }

  #done(outcome: RunnerOutcome): Sequenced {
    return { outcome: this.#late.noted(outcome), container: 'there', orphaned: false, forget: () => false };
  }

  #timings(firstByteMs: number | null = null) {
    return {
      ...(this.#spawnMs === null || this.#parts.resumed ? {} : { spawn_ms: this.#spawnMs }),
      ...(this.#setupMs === null ? {} : { setup_ms: this.#setupMs }),
      ...(firstByteMs === null ? {} : { first_byte_ms: Math.max(0, firstByteMs) }),
    };
  }
}

function inputOf({ daemon }: RunTools, ctx: Context, place: KeptPlace): KeptInput {
  const { id: container } = place.container;
  const directory = place.directoryOf(ctx.setup?.commands.length ?? 0);
  const { invocation } = ctx;
  const how = { isOpen: isOpenInput(invocation), isTerminal: invocation.options.terminal !== undefined };
  return new KeptInput({ daemon, container, user: commandUser(place.container, ctx), directory, ...how });
}

function whereabouts(end: ProgramEnd): Pick<Sequenced, 'container'> {
  return { container: end.how === 'never' || end.how === 'lost' ? end.container : 'there' };
}

const isOrphaned = (end: ProgramEnd): boolean => end.how === 'lost' && end.container === 'there';
