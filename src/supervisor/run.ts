import { constants } from 'node:os';
import { runDirectoryAt } from '../disk/run-directory.ts';
import type { TerminalSize } from '../documents/terminal.ts';
import { Recorder } from '../journal/recorder.ts';
import type { AdoptRequest } from './adopt.ts';
import { conclude } from './conclude.ts';
import { noteExit, noteFailed } from './notes.ts';
import { Program } from './program.ts';
import type {
  ExitFacts,
  FromSupervisor,
  SpawnFailure,
  SpawnRequest,
  TimeLimit,
  ToSupervisor,
} from './protocol/messages.ts';
import { Setup } from './setup.ts';
import type { StartedProgram } from './spawn/spawner.ts';
import { NotStarted, type StartParts, startProgram } from './start.ts';
import type { Due } from './unwatched.ts';

export interface RunParts extends StartParts {
  tell(message: FromSupervisor): void;
  /** Is somebody there who is told at once how it ended. */
  isHeard(): boolean;
  /** Its journal has grown. */
  grew(run: SupervisedRun): void;
  /** Another time is over at another moment: its command has begun. */
  dueChanged(run: SupervisedRun): void;
  /** It could not be started, and has said so: nobody asks for it. */
  failed(run: SupervisedRun): void;
  /** It is over. `recorded`: the journal says how it ended. */
  ended(run: SupervisedRun, recorded: boolean): void;
  /** It was the setup of a session: what it left running is to stay. */
  holds(run: SupervisedRun, setup: Setup): void;
}

/** One run that was handed over: its setup, where it has one, then its command. */
export class SupervisedRun {
  readonly id: string;
  readonly #request: SpawnRequest;
  readonly #parts: RunParts;
  readonly #recorder: Recorder;
  #setup: Setup | null = null;
  /** Null until the command has started. */
  #program: Program | null = null;
  /** Resolves when the command has started or will not. */
  #begun: Promise<void> | null = null;
  /** Asked to stop before it had started. */
  #stopGraceMs: number | null = null;
  #commandBeganAt: number | null = null;
  #due: Due | null;
  #exit: { facts: ExitFacts; end: number; recorded: boolean } | null = null;

  constructor(request: SpawnRequest, parts: RunParts) {
    const { run, directory, first_seq: firstSeq, max_output_bytes: maxOutputBytes, setup } = request;
    this.id = run;
    this.#request = request;
    this.#parts = parts;
    this.#due = dueOf(setup ?? request);
    this.#recorder = new Recorder({
      ...{ directory: runDirectoryAt(directory), firstSeq, maxOutputBytes, setup: setup !== undefined },
      onAppend: () => parts.grew(this),
    });
  }

  get directory(): string {
    return this.#request.directory;
  }

  /** When its time is over. Null: it may take as long as it likes, is over, or no server has said how long. */
  get due(): Due | null {
    return this.#exit ? null : this.#due;
  }

  /** Descriptors that its setup has: two captures, and pipes that others hold. */
  get descriptorsOfSetup(): number {
    if (!this.#setup) return 0;
    const { isOver, output } = this.#setup;
    return isOver && output.open === 0 ? 0 : 2 + output.open;
  }

  start(): void {
    const { setup } = this.#request;
    if (setup) this.#begun = this.#setUp(setup.commands, setup.session ?? false);
    else this.#startCommand();
  }

  stop(graceMs: number): void {
    if (this.#program) this.#program.stop(graceMs);
    else if (this.#setup && !this.#setup.isOver) this.#setup.stop(graceMs);
    else this.#stopGraceMs = Math.min(graceMs, this.#stopGraceMs ?? graceMs);
  }

  /** Its time is over, and no server is there to end it. */
  timeOut(graceMs: number): void {
    if (this.#program) this.#program.timeOut(graceMs);
    else if (this.#setup && !this.#setup.isOver) this.#setup.timeOut(graceMs);
    else if (!this.#exit) void this.#begun?.then(() => this.#program?.timeOut(graceMs));
  }

  /** A new server asks for it. */
  adopt(request: AdoptRequest): void {
    const run = this.id;
    this.#due ??= dueOf(request, Math.max(0, Date.now() - request.started_at));
    if (this.#exit) return this.#tellExit();
    if (this.#commandBeganAt !== null) this.#tellBegan(this.#commandBeganAt);
    this.#parts.tell({ op: 'started', run, pid: this.#program?.pid ?? 0 });
    this.tellGrown();
  }

  tellGrown(): void {
    if (!this.#exit) this.#parts.tell({ op: 'grew', run: this.id, end: this.#recorder.position });
  }

  /** What comes before the command has begun waits for it. Rejects, in words, where it takes none. */
  async feed({ base64, eof }: Extract<ToSupervisor, { op: 'stdin' }>): Promise<void> {
    if (!this.#program) await this.#begun;
    // What has ended is closed: only bytes for it are refused.
    if (!this.#program || this.#exit) return base64 === undefined ? undefined : this.#refuse();
    if (base64 !== undefined) await this.#program.writeStdin(Buffer.from(base64, 'base64'));
    if (eof) this.#program.closeStdin();
  }

  /** Its terminal has this size from now on. Rejects, in words, where it has none, or has ended. */
  async resize(size: TerminalSize): Promise<void> {
    if (!this.#program) await this.#begun;
    if (!this.#program || this.#exit) return this.#refuse();
    this.#program.resize(size);
  }

  /** To what is at work now. Rejects, in words, where nothing is any more. */
  async signal(name: string): Promise<void> {
    const number = constants.signals[name as NodeJS.Signals];
    if (number === undefined) throw new Error(`${name} is not a signal of this system`);
    if (!this.#program && (await this.#setup?.signal(number))) return;
    if (!this.#program) await this.#begun;
    if (this.#exit || !this.#program?.signal(number)) this.#refuse();
  }

  /** How it ended is written where that was not done. False: the storage does not take it, or it goes on. */
  writeExit(): boolean {
    if (!this.#exit) return false;
    if (!this.#exit.recorded && !noteExit(this.#recorder, this.#exit.facts)) return false;
    this.#recorder.close();
    return true;
  }

  async #setUp(commands: string[][], ofSession: boolean): Promise<void> {
    const { spawner, tell } = this.#parts;
    const run = this.id;
    const setup = new Setup({
      ...{ run, spawner, recorder: this.#recorder },
      start: (command) => startProgram(this.#request, { command, stdin: { kind: 'null' } }, this.#parts),
      began: (pid) => tell({ op: 'started', run, pid }),
      active: () => tell({ op: 'active', run }),
    });
    this.#setup = setup;
    await setup.run(commands);
    if (setup.notBegun) return this.#failed(setup.notBegun);
    if (ofSession || !setup.isDone) return this.#conclude(setup, null, ofSession && setup.isDone);
    if (setup.output.open === 0) this.#recorder.complete('setup');
    this.#due = dueOf(this.#request);
    await this.#startCommand();
  }

  #startCommand(): Promise<void> | void {
    const { command, stdin, terminal } = this.#request;
    const began = performance.now();
    try {
      const starting = startProgram(this.#request, { command, stdin, terminal }, this.#parts);
      if (!(starting instanceof Promise)) return this.#started(starting, began);
      const begun = starting.then(
        (child) => this.#started(child, began),
        (error) => this.#couldNotStart(error),
      );
      this.#begun ??= begun;
      return begun;
    } catch (error) {
      return this.#couldNotStart(error);
    }
  }

  #started(child: StartedProgram, began: number): void {
    const { spawner, tell, isHeard } = this.#parts;
    const run = this.id;
    const hooks = {
      attached: () => tell({ op: 'started', run, pid: child.pid }),
      active: () => tell({ op: 'active', run }),
      isHeard,
      ended: (facts: ExitFacts, recorded: boolean) => this.#ended(facts, recorded),
    } as const;
    const spawnMs = performance.now() - began;
    this.#program = new Program(run, child, spawner, spawnMs, this.#recorder, hooks, this.#setup);
    if (this.#setup) {
      this.#commandBeganAt = began;
      this.#tellBegan(began);
      this.#parts.dueChanged(this);
    }
    if (this.#stopGraceMs !== null) this.#program.stop(this.#stopGraceMs);
  }

  #couldNotStart(error: unknown): Promise<void> | void {
    if (!(error instanceof NotStarted)) throw error;
    return this.#setup ? this.#conclude(this.#setup, error.failure, false) : this.#failed(error.failure);
  }

  #failed(failure: SpawnFailure): void {
    const { nextSeq, loss: _, ...captures } = this.#recorder.end();
    if (!this.#parts.isHeard()) noteFailed(this.#recorder, failure);
    this.#recorder.close();
    this.#parts.failed(this);
    this.#parts.tell({ op: 'failed', run: this.id, failure, captures, next_seq: nextSeq });
  }

  async #conclude(setup: Setup, failure: SpawnFailure | null, holds: boolean): Promise<void> {
    const { spawner, isHeard } = this.#parts;
    if (holds) this.#parts.holds(this, setup);
    const { facts, recorded } = await conclude({
      ...{ spawner, recorder: this.#recorder, setup, holds, isHeard },
      ...(failure && { failure }),
    });
    this.#ended(facts, recorded);
  }

  #ended(facts: ExitFacts, recorded: boolean): void {
    this.#exit = { facts, end: this.#recorder.position, recorded };
    this.#parts.ended(this, recorded);
    this.#tellExit();
  }

  #tellExit(): void {
    if (this.#exit)
      this.#parts.tell({ op: 'exit', run: this.id, facts: this.#exit.facts, end: this.#exit.end });
  }

  #tellBegan(at: number): void {
    this.#parts.tell({ op: 'began', run: this.id, ms_ago: Math.max(0, performance.now() - at) });
  }

  #refuse(): never {
    const isOver = this.#program !== null || this.#setup === null;
    throw new Error(
      isOver ? 'the program has ended' : 'the setup has ended, and the command was not started',
    );
  }
}

function dueOf({ time_limit: limit }: { time_limit?: TimeLimit | undefined }, goneMs = 0): Due | null {
  return limit ? { at: performance.now() + limit.ms - goneMs, graceMs: limit.grace_ms } : null;
}
