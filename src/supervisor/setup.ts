import type { StreamFacts, Usage } from '../documents/outcome.ts';
import { type SetupStep, setupProgress } from '../documents/setup.ts';
import type { Recorder } from '../journal/recorder.ts';
import { shortageOf } from '../platform/shortage.ts';
import type { Marks } from './find/marks.ts';
import { noteStep, tellBegun } from './notes.ts';
import type { SetupFacts, SpawnFailure } from './protocol/messages.ts';
import { SetupCommand } from './setup-command.ts';
import { SetupOutput } from './setup-output.ts';
import type { Spawner, StartedProgram } from './spawn/spawner.ts';
import { NotStarted } from './start.ts';
import { joinedUsage } from './usage.ts';
import { DRAIN_MS } from './waits.ts';

export interface SetupParts {
  run: string;
  spawner: Spawner;
  recorder: Recorder;
  /** Throws, or rejects with, NotStarted. */
  start(command: string[]): StartedProgram | Promise<StartedProgram>;
  /** The first command has begun. */
  began(pid: number): void;
  /** Bytes arrived that were not kept. */
  active(): void;
}

/**
 * The commands that a run begins with, each a program of its own under the run's mark. What one of them leaves running
 * lives on, and what that writes is still the setup's.
 */
export class Setup {
  readonly marks: Marks;
  readonly output: SetupOutput;
  readonly #parts: SetupParts;
  readonly #steps: SetupStep[] = [];
  readonly #beganAt = performance.now();
  readonly #stopped = Promise.withResolvers<void>();
  #endedAt: number | null = null;
  /** The program of the command that is at work, and who waits for the next one. */
  #command: SetupCommand | null = null;
  #next = Promise.withResolvers<void>();
  #stopGraceMs: number | null = null;
  #isDone = false;
  #timedOut = false;
  #signals: readonly string[] | null = null;
  #usage: Usage | null | undefined;
  #notBegun: SpawnFailure | null = null;

  constructor(parts: SetupParts) {
    const { run, recorder, active } = parts;
    this.#parts = parts;
    this.marks = { run, leader: null, leaderGoneAt: performance.now(), mark: null };
    this.output = new SetupOutput((stream, chunk) => {
      if (!recorder.take(stream, chunk, 'setup')) active();
    });
  }

  /** All commands ended with 0, and nobody had it stopped. */
  get isDone(): boolean {
    return this.#isDone;
  }

  get isOver(): boolean {
    return this.#endedAt !== null;
  }

  /** Its time was over, and no server was there. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** Why not even the first command began, where that is not its own fault. */
  get notBegun(): SpawnFailure | null {
    return this.#notBegun;
  }

  /** What was sent to end it, in order; null: nothing. */
  get signals(): readonly string[] | null {
    return this.#signals;
  }

  /** Of its commands together; null: it is not counted; undefined: there was none. */
  get usage(): Usage | null | undefined {
    return this.#usage;
  }

  get ms(): number {
    return (this.#endedAt ?? performance.now()) - this.#beganAt;
  }

  /** Never rejects. */
  async run(commands: string[][]): Promise<void> {
    for (const command of commands) {
      if (this.#stopGraceMs !== null || !(await this.#step(command, commands.length)))
        return this.#end(false);
    }
    this.#end(this.#stopGraceMs === null);
  }

  /** Ask it to end: SIGTERM to the group that is at work. The earliest deadline holds. */
  stop(graceMs: number): void {
    if (this.isOver) return;
    this.#stopGraceMs = Math.min(graceMs, this.#stopGraceMs ?? graceMs);
    this.#stopped.resolve();
    this.#command?.stop(graceMs);
  }

  timeOut(graceMs: number): void {
    if (this.isOver || this.#stopGraceMs !== null) return;
    this.#timedOut = true;
    this.stop(graceMs);
  }

  /** To the command that is at work, or to the next one. False: there is none any more. */
  async signal(signal: number): Promise<boolean> {
    while (!this.isOver) {
      if (this.#command?.signal(signal)) return true;
      await this.#next.promise;
    }
    return false;
  }

  facts({ stdout, stderr }: { stdout: StreamFacts; stderr: StreamFacts }): SetupFacts {
    return { steps: this.#steps, done: this.#isDone, ms: round(this.ms), stdout, stderr };
  }

  /** False: the next one is not to begin. */
  async #step(command: string[], count: number): Promise<boolean> {
    const began = performance.now();
    let at: SetupCommand;
    try {
      const starting = this.#parts.start(command);
      // Its marks are known in the very moment in which it is: others look for theirs while we would wait.
      const child = starting instanceof Promise ? await starting : starting;
      at = new SetupCommand(child, this.#parts.spawner, this.marks);
      tellBegun(this.#parts.recorder, setupProgress(command, this.#steps.length + 1, count));
      this.output.follow(child);
    } catch (error) {
      this.#couldNotStart(command, began, error);
      return false;
    }
    this.#command = at;
    if (this.#steps.length === 0) this.#parts.began(at.pid);
    if (this.#stopGraceMs !== null) at.stop(this.#stopGraceMs);
    this.#tellNext();
    const { code, signal, usage } = await at.over();
    this.#command = null;
    this.#signals = at.signals ?? this.#signals;
    this.#usage = this.#usage === undefined ? usage : joinedUsage(this.#usage, usage);
    this.#add({ command, exit_code: code, signal, ms: round(performance.now() - began) });
    if (code !== 0) return false;
    await this.output.over(DRAIN_MS, this.#stopped.promise);
    return this.#stopGraceMs === null;
  }

  #couldNotStart(command: string[], began: number, error: unknown): void {
    if (!(error instanceof NotStarted)) throw error;
    const { failure } = error;
    if (this.#steps.length === 0 && !isItsOwnFault(failure)) this.#notBegun = failure;
    else
      this.#add({
        ...{ command, exit_code: null, signal: null, ms: round(performance.now() - began) },
        error: `${failure.message} (${failure.code})`,
      });
  }

  #add(step: SetupStep): void {
    this.#steps.push(step);
    noteStep(this.#parts.recorder, step);
  }

  #end(isDone: boolean): void {
    this.#isDone = isDone;
    this.#endedAt = performance.now();
    this.#tellNext();
  }

  #tellNext(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}

/** What the system says of a program, and not of this machine or of how the run was asked for. */
function isItsOwnFault({ code, refused = false, blameless = false }: SpawnFailure): boolean {
  return !refused && !blameless && shortageOf({ code }) === null;
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
