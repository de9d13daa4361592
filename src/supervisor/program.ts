import type { Stream } from '../documents/stream.ts';
import type { TerminalSize } from '../documents/terminal.ts';
import type { Recorder } from '../journal/recorder.ts';
import { hunt } from './find/hunt.ts';
import { killAll } from './find/kill-rounds.ts';
import type { Marks } from './find/marks.ts';
import { noteExit, noteStarted } from './notes.ts';
import type { ExitFacts } from './protocol/messages.ts';
import type { Setup } from './setup.ts';
import { type ProgramExit, type Spawner, type StartedProgram, UNKNOWN_EXIT } from './spawn/spawner.ts';
import { ProgramStop } from './stop.ts';
import { joinedUsage } from './usage.ts';
import { DRAIN_MS, DRAIN_STOPPED_MS, GROUP_LOOK_MS } from './waits.ts';

/** A program gone sooner than this is read once, at its end, and never costs an event-loop handle. */
const ATTACH_AFTER_MS = 4;

export interface ProgramHooks {
  /** The program lives longer than a moment. */
  attached(): void;
  /** Bytes arrived that were not kept. */
  active(): void;
  /** Is somebody there who is told at once how it ended. */
  isHeard(): boolean;
  /** The program and all its processes are gone; nothing is called after this. `recorded`: the journal has the facts. */
  ended(facts: ExitFacts, recorded: boolean): void;
}

/** One program from spawn to the last of its processes gone. */
export class Program {
  readonly pid: number;
  readonly #child: StartedProgram;
  readonly #spawner: Spawner;
  readonly #recorder: Recorder;
  readonly #hooks: ProgramHooks;
  readonly #marks: Marks;
  /** What went before it; null: nothing. */
  readonly #setup: Setup | null;
  readonly #spawnMs: number;
  readonly #spawnedAt = performance.now();
  readonly #open = new Set<Stream>(['stdout', 'stderr']);
  #attached = false;
  #timer: NodeJS.Timeout | undefined;
  #firstByteMs: number | undefined;
  /** Made when it is needed: most programs end by themselves. */
  #stop: ProgramStop | null = null;
  #timedOut = false;
  #exit: ProgramExit | null = null;
  #exitedAt = 0;
  /** The leader has gone and the rest of its group still has its grace. */
  #groupHasGrace = false;
  #settling = false;
  /** Null until all that was found has been killed. */
  #survivors: number | null = null;
  #finished = false;

  constructor(
    run: string,
    child: StartedProgram,
    spawner: Spawner,
    spawnMs: number,
    recorder: Recorder,
    hooks: ProgramHooks,
    setup: Setup | null = null,
  ) {
    this.pid = child.pid;
    this.#child = child;
    this.#spawner = spawner;
    this.#recorder = recorder;
    this.#hooks = hooks;
    this.#spawnMs = spawnMs;
    this.#setup = setup;
    const ofLeader = { leader: child.pid, leaderGoneAt: null, mark: child.mark };
    this.#marks = setup ? Object.assign(setup.marks, ofLeader) : { run, ...ofLeader };
    spawner.finder.begin(this.#marks);
    this.#timer = setTimeout(() => this.#attach(), ATTACH_AFTER_MS);
    child.onExit((exit) => {
      this.#marks.leaderGoneAt = performance.now();
      this.#exited(exit);
    });
  }

  /** Ask the program to end: SIGTERM to its group, SIGKILL to all it started after the grace. The earliest deadline holds. */
  stop(graceMs: number): void {
    if (this.#exit && !this.#groupHasGrace) return;
    this.#stopping().begin(graceMs, this.#exit !== null);
  }

  /** Its time is over and no server is there: it is told to end, and how it ended says why. */
  timeOut(graceMs: number): void {
    if (this.#exit || this.#stop) return;
    this.#timedOut = true;
    this.stop(graceMs);
  }

  /** False when the program has ended already. */
  signal(signal: number): boolean {
    return this.#exit === null && this.#child.signalGroup(signal);
  }

  /** Resolves when the program's end of the pipe has taken the bytes. */
  async writeStdin(bytes: Buffer): Promise<void> {
    if (!this.#child.stdin) throw new Error('standard input was not asked to be open (options.stdin_open)');
    if (this.#exit) throw new Error('standard input is closed: the program has ended');
    try {
      await this.#child.stdin.write(bytes);
    } catch {
      throw new Error('standard input is closed');
    }
  }

  /** Throws, in words, where it has no terminal. */
  resize(size: TerminalSize): void {
    if (!this.#child.terminal) throw new Error('the program has no terminal (options.terminal)');
    this.#child.terminal.resize(size);
  }

  closeStdin(): void {
    this.#child.stdin?.end();
  }

  #attach(): void {
    if (this.#attached) return;
    this.#attached = true;
    for (const stream of ['stdout', 'stderr'] as const)
      this.#child[stream].follow(
        (chunk) => this.#take(stream, chunk),
        () => this.#closed(stream),
      );
    if (this.#exit) return;
    if (this.#marks.mark === null) noteStarted(this.#recorder, this.#marks.run, this.pid);
    this.#hooks.attached();
  }

  #take(stream: Stream, chunk: Buffer): void {
    this.#firstByteMs ??= performance.now() - this.#spawnedAt;
    if (!this.#recorder.take(stream, chunk)) this.#hooks.active();
  }

  #closed(stream: Stream): void {
    this.#open.delete(stream);
    if (!this.#exit || this.#open.size > 0) return;
    if (this.#survivors !== null) this.#finish(this.#survivors);
    else if (!this.#groupHasGrace) void this.#settle();
  }

  #exited(exit: ProgramExit): void {
    if (this.#exit) return;
    this.#exit = exit;
    this.#exitedAt = performance.now();
    clearTimeout(this.#timer);
    this.#stop?.callOff();
    if (!this.#drain()) this.#attach();
    if (this.#stop) this.#waitForGroup(this.#stop);
    else this.#waitForOutput(DRAIN_MS);
  }

  /** Who was told to end has the whole grace for it, also when the leader was faster. */
  #waitForGroup(stop: ProgramStop): void {
    this.#groupHasGrace = stop.hasGrace;
    if (this.#groupHasGrace && this.#child.signalGroup(0))
      this.#timer = setTimeout(() => this.#waitForGroup(stop), GROUP_LOOK_MS);
    else if (stop.isDue) void this.#settle();
    else {
      this.#groupHasGrace = false;
      this.#waitForOutput(DRAIN_STOPPED_MS);
    }
  }

  #waitForOutput(ms: number): void {
    if (this.#open.size === 0) return void this.#settle();
    this.#timer = setTimeout(() => this.#lastLook(), ms);
  }

  /** A timer that is due comes before pipes that are ready: on a busy machine they are read once more first. */
  #lastLook(turns = 2): void {
    if (turns > 0) setImmediate(() => this.#lastLook(turns - 1));
    else if (this.#survivors === null) void this.#settle();
    else this.#finish(this.#survivors);
  }

  /** Take what is in the pipes now. True when both have ended. */
  #drain(): boolean {
    for (const stream of this.#open)
      if (this.#child[stream].drain((chunk) => this.#take(stream, chunk))) this.#open.delete(stream);
    return this.#open.size === 0;
  }

  #stopping(): ProgramStop {
    this.#stop ??= new ProgramStop(this.#child, this.#spawner, this.#marks, () => this.#exited(UNKNOWN_EXIT));
    return this.#stop;
  }

  /** The leader is gone and its output is taken or given up: nothing it started may stay. */
  async #settle(): Promise<void> {
    if (this.#settling) return;
    this.#settling = true;
    this.#groupHasGrace = false;
    clearTimeout(this.#timer);
    this.#child.stdin?.close();
    if (!this.#leavesSomeone()) return this.#finish(0);
    const { found, survivors } = await killAll(this.#spawner, this.#marks);
    if (found) this.#stopping().killed();
    this.#survivors = survivors;
    if (this.#setup && survivors === 0) await this.#setup.output.over(DRAIN_STOPPED_MS);
    if (this.#drain() || survivors > 0) return this.#finish(survivors);
    this.#timer = setTimeout(() => this.#lastLook(), DRAIN_STOPPED_MS);
  }

  /** A group that has the leader's number and is another's is seen through by whoever then looks closer. */
  #leavesSomeone(): boolean {
    try {
      return this.#child.signalGroup(0) || this.#spawner.finder.mayHaveLeft(this.#marks);
    } catch {
      return true; // whoever looks closer says why that cannot be told
    }
  }

  #finish(survivors: number): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#timer);
    this.#drain();
    this.#child.stdout.close();
    this.#child.stderr.close();
    this.#setup?.output.close();
    const now = performance.now();
    const { stdout, stderr, setup: ofSetup, nextSeq, loss } = this.#recorder.end();
    const setup = this.#setup?.facts(ofSetup ?? { stdout, stderr });
    const usage = this.#exit?.usage ?? null;
    const facts: ExitFacts = {
      pid: this.pid,
      code: this.#exit?.code ?? null,
      signal: this.#exit?.signal ?? null,
      stdout,
      stderr,
      next_seq: nextSeq,
      usage: this.#setup?.usage === undefined ? usage : joinedUsage(this.#setup.usage, usage),
      kill: this.#stop && { signals: this.#stop.signals, survivors },
      timings: {
        spawn_ms: round(this.#spawnMs),
        ...(setup && { setup_ms: setup.ms }),
        ...(this.#firstByteMs === undefined ? {} : { first_byte_ms: round(this.#firstByteMs) }),
        run_ms: round(this.#exitedAt - this.#spawnedAt),
        drain_ms: round(now - this.#exitedAt),
      },
      capture_error: loss,
      ...(this.#timedOut && { timed_out: true }),
      ...(setup && { setup }),
    };
    // A run without files makes none only to say how it ended, when the server hears it now.
    const recorded =
      this.#recorder.hasFiles || !this.#hooks.isHeard() ? noteExit(this.#recorder, facts) : false;
    this.#recorder.close();
    if (survivors > 0) void hunt(this.#spawner, this.#marks);
    else this.#spawner.finder.end(this.#marks);
    this.#hooks.ended(facts, recorded);
  }
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
