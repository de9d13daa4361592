import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stream } from '../documents/stream.ts';
import type { Recorder } from '../journal/recorder.ts';
import { storageText } from '../platform/shortage.ts';
import { afterMs } from '../platform/timer.ts';
import { recordExit } from './exit-record.ts';
import { killAll } from './find/kill-rounds.ts';
import type { Marks } from './find/marks.ts';
import { startTimeOf } from './find/proc.ts';
import type { ExitFacts, StartedFacts } from './protocol/messages.ts';
import type { ProgramExit, Spawner, Started } from './spawn/spawner.ts';

/** A program gone sooner than this is read once, at its end, and never costs an event-loop handle. */
const ATTACH_AFTER_MS = 4;
/** How long output is waited for after the leader has gone while others hold its pipes. */
const DRAIN_MS = 180;
const DRAIN_STOPPED_MS = 60;
/** A leader that not even SIGKILL ends (uninterruptible sleep) must not hold the answer for longer. */
const UNKILLABLE_MS = 100;
/** How often what outlived its run is looked for again, at first and at most. */
const HUNT_MS = 250;
const HUNT_SELDOM_MS = 10_000;
/** How often a group whose leader has gone is looked at while it has its grace. */
const GROUP_LOOK_MS = 10;

const { SIGTERM, SIGCONT, SIGKILL } = constants.signals;

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
  /** Takes back the SIGKILL that is due, or the end of the wait for what it did. */
  #callOff = (): void => {};
  #killAt = Number.POSITIVE_INFINITY;
  #firstByteMs: number | undefined;
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
    this.#marks = { run, leader: child.pid, leaderGoneAt: null, mark: child.mark };
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
    const killAt = performance.now() + graceMs;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    if (this.#exit) return; // whoever waits for the group looks at the clock
    this.#callOff();
    if (graceMs === 0) return void this.#killNow();
    if (this.#signals.length === 0) {
      this.#signals.push('SIGTERM');
      this.#child.signalGroup(SIGTERM);
      this.#child.signalGroup(SIGCONT); // a stopped process would see the SIGTERM only when continued
    }
    this.#callOff = afterMs(graceMs, () => void this.#killNow());
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
    if (this.#marks.mark === null) this.#remember();
    this.#hooks.attached();
  }

  /** Without a mark only this line leads a later supervisor to the program's session. */
  #remember(): void {
    const startTime = startTimeOf(this.pid);
    if (startTime === null) return;
    const started: StartedFacts = { pid: this.pid, start_time: startTime };
    try {
      this.#recorder.note({ started });
    } catch (error) {
      console.error(
        `runwire supervisor: ${this.#marks.run}: its pid could not be written: ${storageText(error)}`,
      );
    }
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
    this.#callOff();
    if (!this.#drain()) this.#attach();
    if (this.#signals.length > 0) this.#waitForGroup();
    else this.#waitForOutput(DRAIN_MS);
  }

  /** Who was told to end has the whole grace for it, also when the leader was faster. */
  #waitForGroup(): void {
    this.#groupHasGrace = performance.now() < this.#killAt && !this.#signals.includes('SIGKILL');
    if (this.#groupHasGrace && this.#child.signalGroup(0))
      this.#timer = setTimeout(() => this.#waitForGroup(), GROUP_LOOK_MS);
    else if (performance.now() >= this.#killAt) void this.#settle();
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

  /** All that can be found is killed before the group, which leads to what has left it. */
  async #killNow(): Promise<void> {
    this.#note('SIGKILL');
    this.#callOff = afterMs(UNKILLABLE_MS, () => this.#exited({ code: null, signal: null, usage: null }));
    const { finder } = this.#spawner;
    try {
      await finder.each(this.#marks, new Map(), (process) => this.#spawner.signal(process, SIGKILL));
    } catch (error) {
      console.error(`runwire supervisor: ${this.#marks.run}: only its group is killed now: ${String(error)}`);
    }
    if (this.#marks.leaderGoneAt === null) this.#child.signalGroup(SIGKILL);
  }

  #note(signal: string): void {
    if (this.#signals.at(-1) !== signal) this.#signals.push(signal);
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
    if (found) this.#note('SIGKILL');
    this.#survivors = survivors;
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

  /** What outlived its run may have been asleep, or may go on forking: it is not forgotten. */
  async #hunt(): Promise<void> {
    for (let pause = HUNT_MS; ; pause = Math.min(pause * 2, HUNT_SELDOM_MS)) {
      await sleep(pause, undefined, { ref: false });
      const { survivors } = await killAll(this.#spawner, this.#marks);
      if (survivors === 0) return this.#spawner.finder.end(this.#marks);
    }
  }

  #finish(survivors: number): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#timer);
    this.#drain();
    this.#child.stdout.close();
    this.#child.stderr.close();
    const now = performance.now();
    const { stdout, stderr, nextSeq, loss } = this.#recorder.end();
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
      capture_error: loss,
    };
    // A run without files makes none only to say how it ended, when the server hears it now.
    const recorded =
      this.#recorder.hasFiles || !this.#hooks.isHeard() ? recordExit(this.#recorder, facts) : false;
    this.#recorder.close();
    if (survivors > 0) void this.#hunt();
    else this.#spawner.finder.end(this.#marks);
    this.#hooks.ended(facts, recorded);
  }
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
