import type { RunContext } from '../../src/contract/context.ts';
import type { RunnerOutcome } from '../../src/contract/outcome.ts';
import type { SetupStep } from '../../src/documents/setup.ts';
import { changeContainerRecord } from './container-record.ts';
import { KeptInput } from './kept-input.ts';
import { failedSetup, keptOutcome, setupStep } from './kept-outcome.ts';
import { KeptOutput } from './kept-output.ts';
import type { KeptPlace } from './kept-place.ts';
import { KeptProgram, type ProgramEnd } from './kept-program.ts';
import { KeptStop } from './kept-stop.ts';
import { ranOutOfMemory } from './out-of-memory.ts';
import { neverStarted } from './outcome.ts';
import type { DockerSpec } from './spec.ts';
import { wantsStdin } from './stdin.ts';
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

/** What has come of it, and how to let its last keeper forget it once that is stored. */
export interface Sequenced {
  outcome: RunnerOutcome;
  /** What is known of the container. */
  container: 'there' | 'stopped' | 'paused' | 'gone';
  /** The command's keeper was killed: what it left is to be ended. */
  orphaned: boolean;
  forget(): void;
}

/** The programs of a run, one after the other: its setup, then its command. */
export class Sequence {
  readonly #tools: RunTools;
  readonly #ctx: Context;
  readonly #parts: SequenceParts;
  readonly #stop: KeptStop;
  readonly #metadata: Record<string, string>;
  readonly #steps: SetupStep[] = [];
  #quiet: NodeJS.Timeout | undefined;
  #goesOn: boolean;
  #spawnMs: number | null = null;
  #setupMs: number | null = null;

  constructor(tools: RunTools, ctx: Context, parts: SequenceParts) {
    this.#tools = tools;
    this.#ctx = ctx;
    this.#parts = parts;
    this.#goesOn = !parts.resumed;
    const { container } = parts.place;
    this.#metadata = { 'docker.container_id': container.id, 'docker.image_id': container.image };
    this.#stop = new KeptStop(() => {
      void tools.daemon
        .ask((docker) => docker.getContainer(container.id).kill({ signal: 'SIGKILL' }))
        .catch(() => {}); // it has ended, or the engine is away: the program is waited for no longer than that
    });
  }

  async run(): Promise<Sequenced> {
    const { signal, setup, session } = this.#ctx;
    const stopStopping = this.#stop.on(signal);
    try {
      const failed = setup === null ? null : await this.#setUp();
      if (failed !== null) return failed;
      if (session?.isSetup) return this.#done(SET_UP(this.#steps, this.#timings()));
      return await this.#command();
    } finally {
      stopStopping();
      clearTimeout(this.#quiet);
    }
  }

  /** Null: all of them ended with 0. */
  async #setUp(): Promise<Sequenced | null> {
    const { setup, signal, output } = this.#ctx;
    const { commands = [], timeoutMs = 0 } = setup ?? {};
    const { place } = this.#parts;
    const kept = new KeptOutput(output, 'setup');
    let since: number | null = null;
    const from = performance.now();
    this.#ctx.offer(this.#stop.controls());
    for (const [step, argv] of commands.entries()) {
      if (signal.aborted && !place.mayHaveBegun(step)) return this.#abortedBefore(commands.length);
      const left = timeoutMs - (since === null ? performance.now() - from : Date.now() - since);
      const end = await this.#attend(step, {
        plan: () => place.setupPlan(this.#ctx, step, argv, Math.max(1, left)),
        output: kept,
        onStarted: ({ at }) => {
          since ??= Math.min(at, Date.now());
        },
      });
      end.program.disconnect();
      this.#steps.push(setupStep(argv, end.end));
      this.#setupMs = performance.now() - from;
      if (end.end.how === 'exited' && end.end.exited.timedOut) this.#ctx.timedOut('setup');
      if (end.end.how !== 'exited' || end.end.exited.exitCode !== 0 || kept.lost > 0) {
        const facts = { metadata: this.#metadata, timings: this.#timings(), stuck: this.#stop.stuck };
        const outcome = failedSetup(end.end, { ...facts, setup: this.#steps, count: commands.length });
        return { ...this.#done(outcome), ...whereabouts(end.end) };
      }
    }
    output.complete('setup');
    return null;
  }

  async #command(): Promise<Sequenced> {
    const { ctx, place } = { ctx: this.#ctx, place: this.#parts.place };
    const step = ctx.setup?.commands.length ?? 0;
    if (ctx.signal.aborted && !place.mayHaveBegun(step)) return this.#abortedBefore(0);
    const plan = place.commandPlan(ctx, step);
    const { daemon } = this.#tools;
    const kept = new KeptOutput(ctx.output, 'command');
    const { container, user, directory } = plan;
    const input = wantsStdin(ctx) ? new KeptInput({ daemon, container, user, directory }) : null;
    ctx.offer({
      ...this.#stop.controls(),
      ...(ctx.invocation.options.stdin_open && input !== null ? input.controls() : {}),
    });
    const resumed = place.mayHaveBegun(step);
    if (!resumed) ctx.commandBegins();
    let startedAt: number | null = null;
    let began: number | null = null;
    try {
      const { end, program } = await this.#attend(step, {
        plan: () => plan,
        output: kept,
        onStarted: ({ at }, program) => {
          startedAt ??= performance.now();
          began = at;
          if (resumed) ctx.commandBegins(Math.max(0, Date.now() - at));
          input?.started();
          if (input !== null) this.#feed(input, program);
        },
      });
      if (end.how === 'exited' && end.exited.timedOut) ctx.timedOut('run');
      const { memory_bytes: limit = ctx.invocation.options.limits?.memory_bytes ?? null } = ctx.spec;
      const outcome = keptOutcome(end, {
        argv: plan.argv,
        metadata: this.#metadata,
        outOfMemory: await ranOutOfMemory(daemon, container, { end, limit, startedAt: began }),
        memoryLimit: limit,
        lostBytes: kept.lost,
        timings: this.#timings(
          kept.firstByteAt === null || startedAt === null ? null : kept.firstByteAt - startedAt,
        ),
        setup: ctx.setup === null ? undefined : this.#steps,
        stuck: this.#stop.stuck,
        begun: step > 0,
      });
      const forget = (): void => program.forget();
      return { outcome, ...whereabouts(end), orphaned: isOrphaned(end), forget };
    } finally {
      input?.close();
    }
  }

  /** What the invocation gives, once; where an earlier server came to give a part of it, its end. */
  #feed(input: KeptInput, program: KeptProgram): void {
    const { invocation, directory, outlives } = this.#ctx;
    if (invocation.options.stdin_open) return;
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
      const program: KeptProgram = new KeptProgram(this.#tools, about.plan(), {
        begun,
        output: about.output,
        stop: this.#stop,
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
        return { end, program };
      const words = await restart();
      if (words !== '') return { end: { ...end, words }, program };
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
    this.#quiet = setTimeout(tell, QUIET_MS);
    program.onFrame = () => void this.#quiet?.refresh();
  }

  #abortedBefore(count: number): Sequenced {
    const words = 'aborted before the command was started';
    const { setup } = this.#ctx;
    const begun = this.#steps.length > 0;
    const outcome = { ...neverStarted(words, this.#metadata), started: begun, retrySafe: !begun };
    if (setup === null || count === 0) return this.#done({ ...outcome, ...this.#setupFacts() });
    return this.#done({ ...outcome, ...this.#setupFacts() });
  }

  #setupFacts() {
    return this.#ctx.setup === null ? {} : { setup: this.#steps, timings: this.#timings() };
  }

  #done(outcome: RunnerOutcome): Sequenced {
    return { outcome, container: 'there', orphaned: false, forget: () => {} };
  }

  #timings(firstByteMs: number | null = null) {
    return {
      ...(this.#spawnMs === null || this.#parts.resumed ? {} : { spawn_ms: this.#spawnMs }),
      ...(this.#setupMs === null ? {} : { setup_ms: this.#setupMs }),
      ...(firstByteMs === null ? {} : { first_byte_ms: Math.max(0, firstByteMs) }),
    };
  }
}

function whereabouts(end: ProgramEnd): Pick<Sequenced, 'container'> {
  return { container: end.how === 'never' || end.how === 'lost' ? end.container : 'there' };
}

const isOrphaned = (end: ProgramEnd): boolean => end.how === 'lost' && end.container === 'there';

const SET_UP = (setup: SetupStep[], timings: RunnerOutcome['timings'] = {}): RunnerOutcome => ({
  ...{ ended: 'completed', started: true, retrySafe: false, exitCode: null, success: true },
  ...{ setup, timings },
});
