import { constants } from 'node:os';
import type { Recorder } from '../recorder.ts';
import type { Stream } from '../stream.ts';
import { belongsTo, directChildren, type Marks, processesOf } from './processes.ts';
import type { ExitFacts } from './protocol.ts';
import type { ProgramExit, Spawner, Started } from './spawner.ts';

/** A program gone sooner than this is read once, at its end, and never costs an event-loop handle. */
const ATTACH_AFTER_MS = 4;
/** How long output is waited for after the leader has gone while others hold its pipes. */
const DRAIN_MS = 180;
const DRAIN_STOPPED_MS = 60;
/** How long killed processes are waited for before they are counted as survivors. */
const SETTLE_MS = 120;

const { SIGTERM, SIGKILL } = constants.signals;

export interface ProgramHooks {
  /** The program lives longer than a moment. */
  attached(): void;
  /** Bytes arrived that were not kept. */
  active(): void;
  /** The program and all its processes are gone; nothing is called after this. */
  ended(facts: ExitFacts): void;
  /** Is this child of ours the leader of a run. */
  isLeader(pid: number): boolean;
}

/** One program from spawn to the last of its processes gone. */
export class Program {
  readonly pid: number;
  readonly #child: Started;
  readonly #spawner: Spawner;
  readonly #recorder: Recorder;
  readonly #hooks: ProgramHooks;
  readonly #marks: Marks;
  readonly #spawnMs: number;
  readonly #spawnedAt = performance.now();
  readonly #open = new Set<Stream>(['stdout', 'stderr']);
  readonly #signals: string[] = [];
  #attached = false;
  #timer: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #killAt = Number.POSITIVE_INFINITY;
  #firstByteMs: number | undefined;
  #exit: ProgramExit | null = null;
  #exitedAt = 0;
  #settling = false;
  #captureError: string | null = null;

  constructor(
    run: string,
    child: Started,
    spawner: Spawner,
    spawnMs: number,
    recorder: Recorder,
    hooks: ProgramHooks,
  ) {
    this.pid = child.pid;
    this.#child = child;
    this.#spawner = spawner;
    this.#recorder = recorder;
    this.#hooks = hooks;
    this.#spawnMs = spawnMs;
    this.#marks = { run, leader: child.pid, mark: child.mark };
    this.#timer = setTimeout(() => this.#attach(), ATTACH_AFTER_MS);
    child.onExit((exit) => this.#exited(exit));
  }

  /** Ask the program to end: SIGTERM to its group, SIGKILL to all it started after the grace. The earliest deadline holds. */
  stop(graceMs: number): void {
    if (this.#exit) return;
    const killAt = performance.now() + graceMs;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    clearTimeout(this.#killTimer);
    if (graceMs === 0) return this.#killNow();
    if (this.#signals.length === 0) {
      this.#signals.push('SIGTERM');
      this.#child.signalGroup(SIGTERM);
    }
    this.#killTimer = setTimeout(() => this.#killNow(), graceMs);
  }

  /** False when the program has ended already. */
  signal(signal: number): boolean {
    return this.#exit === null && this.#child.signalGroup(signal);
  }

  /** Resolves when the program's end of the pipe has taken the bytes. */
  async writeStdin(bytes: Buffer): Promise<void> {
    if (!this.#child.stdin || this.#exit) throw new Error('standard input is closed');
    await this.#child.stdin.write(bytes);
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
    if (!this.#exit) this.#hooks.attached();
  }

  #take(stream: Stream, chunk: Buffer): void {
    this.#firstByteMs ??= performance.now() - this.#spawnedAt;
    if (this.#captureError !== null) return;
    try {
      if (!this.#recorder.write(stream, chunk)) this.#hooks.active();
    } catch (error) {
      this.#captureError = error instanceof Error ? error.message : String(error);
      this.stop(0);
    }
  }

  #closed(stream: Stream): void {
    this.#open.delete(stream);
    if (this.#exit && this.#open.size === 0) this.#settle();
  }

  #exited(exit: ProgramExit): void {
    if (this.#exit) return;
    this.#exit = exit;
    this.#exitedAt = performance.now();
    clearTimeout(this.#timer);
    clearTimeout(this.#killTimer);
    if (this.#drain()) return this.#settle();
    this.#timer = setTimeout(() => this.#settle(), this.#signals.length > 0 ? DRAIN_STOPPED_MS : DRAIN_MS);
    this.#attach();
  }

  /** Take what is in the pipes now. True when both have ended. */
  #drain(): boolean {
    for (const stream of this.#open)
      if (this.#child[stream].drain((chunk) => this.#take(stream, chunk))) this.#open.delete(stream);
    return this.#open.size === 0;
  }

  #killNow(): void {
    this.#note('SIGKILL');
    this.#child.signalGroup(SIGKILL);
    this.#killRound();
    // A leader that not even SIGKILL ends (uninterruptible sleep) must not hold the answer.
    this.#killTimer = setTimeout(() => this.#exited({ code: null, signal: null, usage: null }), SETTLE_MS);
  }

  #note(signal: string): void {
    if (this.#signals.at(-1) !== signal) this.#signals.push(signal);
  }

  /** SIGKILL to every process of the run that can be found. Returns how many there were. */
  #killRound(): number {
    const pids = processesOf(this.#marks);
    for (const pid of pids) this.#spawner.signalProcess(pid, SIGKILL);
    return pids.length;
  }

  /** The leader is gone and its output is taken or given up: nothing it started may stay. */
  #settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    clearTimeout(this.#timer);
    this.#child.stdin?.close();
    if (!this.#leavesSomeone()) return this.#finish(0);
    const giveUpAt = performance.now() + SETTLE_MS;
    let pause = 1;
    const round = (): void => {
      const found = this.#killRound();
      if (found > 0) this.#note('SIGKILL');
      if (found === 0 || performance.now() >= giveUpAt) return this.#finish(found);
      setTimeout(round, pause);
      pause = Math.min(pause * 2, 20);
    };
    round();
  }

  /**
   * Cheap and exact where this process is the subreaper: what a run leaves is in the leader's group, or
   * has an ancestor that became our direct child.
   */
  #leavesSomeone(): boolean {
    if (this.#signals.length > 0 || this.#child.signalGroup(0)) return true;
    for (const pid of directChildren() ?? [])
      if (!this.#hooks.isLeader(pid) && belongsTo(pid, this.#marks)) return true;
    return false;
  }

  #finish(survivors: number): void {
    this.#drain();
    this.#child.stdout.close();
    this.#child.stderr.close();
    const now = performance.now();
    const { stdout, stderr, nextSeq, error } = this.#recorder.end();
    const facts: ExitFacts = {
      pid: this.pid,
      code: this.#exit?.code ?? null,
      signal: this.#exit?.signal ?? null,
      stdout,
      stderr,
      next_seq: nextSeq,
      usage: this.#exit?.usage ?? null,
      kill: this.#signals.length > 0 ? { signals: this.#signals, survivors } : null,
      timings: {
        spawn_ms: round(this.#spawnMs),
        ...(this.#firstByteMs === undefined ? {} : { first_byte_ms: round(this.#firstByteMs) }),
        run_ms: round(this.#exitedAt - this.#spawnedAt),
        drain_ms: round(now - this.#exitedAt),
      },
      capture_error: this.#captureError ?? error,
    };
    try {
      this.#recorder.close(JSON.stringify({ exit: facts }));
    } catch (cause) {
      facts.capture_error ??= cause instanceof Error ? cause.message : String(cause);
    }
    this.#hooks.ended(facts);
  }
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
