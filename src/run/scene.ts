import type { OutsideWriter, RunContext, RunOutput } from '../contract/context.ts';
import type { CaptureFacts } from '../documents/outcome.ts';
import { type Recorded, readEarlier } from '../journal/earlier.ts';
import { Recorder } from '../journal/recorder.ts';
import { parseJson } from '../platform/json-parse.ts';
import { storageText } from '../platform/shortage.ts';
import { afterMs } from '../platform/timer.ts';
import type { LiveRun } from './live-run.ts';

export interface Surroundings {
  workingDirectory: string;
  artifactDirectory: string | null;
  inputPath: string | null;
  inputFile: RunContext['inputFile'];
  workspace: RunContext['workspace'];
  given: RunContext['given'];
  signedAddresses: RunContext['signedAddresses'];
  setup: RunContext['setup'];
  session: RunContext['session'];
  environment: Readonly<Record<string, string>>;
  maxOutputBytes: number;
  killGraceMs: number;
  callbackUrl(): string;
}

/** What a runner gets, and what the engine keeps of it: who writes the journal, when output last came. */
export class RunScene {
  readonly context: RunContext;
  readonly #run: LiveRun;
  readonly #maxOutputBytes: number;
  #recorder: Recorder | null = null;
  /** What an earlier server wrote; asked for once. */
  #resumed: Promise<void> | null = null;
  #recorded: Recorded | null = null;
  #nextSeq: number;
  #outside = false;
  #over = false;
  /** Why progress was not written. */
  #unsaid: string | null = null;
  #activeAt = performance.now();
  readonly #stored: (() => void)[] = [];
  #onGoesOn: (() => void) | null = null;
  /** When the command began (performance.now()). Null: it has not, as far as is known. */
  #commandBeganAt: number | null = null;
  #onCommandBegins: ((msAgo: number) => void) | null = null;

  constructor(run: LiveRun, surroundings: Surroundings) {
    this.#run = run;
    this.#nextSeq = run.log.journalSeq;
    this.#maxOutputBytes = surroundings.maxOutputBytes;
    this.context = {
      ...surroundings,
      invocation: run.filled,
      spec: run.spec,
      directory: run.directory,
      acceptedAt: run.createdAt,
      startedAt: run.startedAt ?? run.createdAt,
      rebooted: run.rebooted,
      signal: run.signal,
      output: this.#output(),
      outsideWriter: () => this.#outsideWriter(),
      resumeOutput: (onNote) => this.#resume(onNote),
      goesOn: () => {
        if (!this.#over) this.#onGoesOn?.();
      },
      commandBegins: (msAgo = 0) => this.#commandBegins(msAgo),
      timedOut: (which = 'run') => {
        const { setup, killGraceMs } = surroundings;
        const ofSetup = setup === null ? null : setup.timeoutMs / 1000;
        const seconds = which === 'setup' ? ofSetup : run.invocation.timeout_seconds;
        if (seconds !== null) run.abort({ kind: 'timeout', which, seconds, graceMs: killGraceMs });
      },
      outlives: () => run.outlive(),
      offer: (controls) => {
        if (!this.#over) run.offer(controls);
      },
      whenStored: (callback) => void this.#stored.push(callback),
    };
  }

  /** seq of the event after the journal. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** The runner has settled: what it still writes or offers is nobody's. */
  over(): void {
    this.#over = true;
    this.#run.settle();
  }

  /**
   * Facts of what this process captured, and what the storage did not take, in words. Null: an outside writer had
   * the files. Throws when what an earlier server wrote cannot be read.
   */
  async endOutput(): Promise<(CaptureFacts & { losses: string[] }) | null> {
    if (this.#outside) return null;
    if (this.#run.resumed) await this.#resume();
    const recorder = this.#open();
    const { nextSeq, loss, ...captures } = recorder.end();
    recorder.close();
    this.#nextSeq = nextSeq;
    const losses = [
      ...(loss === null ? [] : [`output could not be kept: ${loss}`]),
      ...(this.#unsaid === null ? [] : [`progress could not be kept: ${this.#unsaid}`]),
    ];
    return { ...captures, losses };
  }

  /** Call back once no output has come for so long. Returns how to take it back. */
  onIdle(ms: number, callback: () => void): () => void {
    let cancel = (): void => {};
    const look = (): void => {
      const left = this.#activeAt + ms - performance.now();
      if (left <= 0) callback();
      else cancel = afterMs(left, look);
    };
    cancel = afterMs(ms, look);
    return () => cancel();
  }

  /** Call back when the runner says that the work of an earlier server goes on. */
  onGoesOn(callback: (() => void) | null): void {
    this.#onGoesOn = callback;
  }

  /** Call back when the command begins, with how long ago that was, ms; at once if it has begun. */
  onCommandBegins(callback: ((msAgo: number) => void) | null): void {
    this.#onCommandBegins = callback;
    if (this.#commandBeganAt !== null) callback?.(performance.now() - this.#commandBeganAt);
  }

  stored(): void {
    for (const callback of this.#stored) callback();
  }

  /** Once: who watches the work may say it again. */
  #commandBegins(msAgo: number): void {
    if (this.#over || this.#commandBeganAt !== null) return;
    this.#commandBeganAt = performance.now() - msAgo;
    this.#onCommandBegins?.(msAgo);
  }

  #output(): RunOutput {
    return {
      write: (stream, chunk, phase) => void this.#active()?.take(stream, chunk, phase),
      missed: (stream, length, phase) => this.#active()?.miss(stream, length, phase),
      progress: (entry) => this.#say((recorder) => recorder.progress(entry)),
      note: (line) => this.#say((recorder) => recorder.note(parseJson(line) as object)),
      complete: (phase) => this.#active()?.complete(phase),
      acknowledged: {
        write: (stream, chunk, phase) => void this.#active()?.write(stream, chunk, phase),
        progress: (entry) => this.#active()?.progress(entry),
        note: (line) => this.#active()?.note(parseJson(line) as object),
      },
      channelOf: (stream, phase) => this.#open().channelOf(stream, phase),
      captured: (stream, phase) => this.#open().captured(stream, phase),
    };
  }

  /** What the storage does not take is told at the end. */
  #say(say: (recorder: Recorder) => void): void {
    try {
      const recorder = this.#active();
      if (recorder) say(recorder);
    } catch (error) {
      this.#unsaid ??= storageText(error);
    }
  }

  /** Null: the runner has settled. */
  #active(): Recorder | null {
    if (this.#over) return null;
    this.#activeAt = performance.now();
    return this.#open();
  }

  async #resume(onNote?: (line: string) => void): Promise<void> {
    this.#resumed ??= this.#readEarlier(onNote);
    await this.#resumed;
  }

  async #readEarlier(onNote?: (line: string) => void): Promise<void> {
    if (this.#outside || this.#recorder) return;
    this.#recorded = await readEarlier(this.#run.directory, this.#nextSeq, {
      rebooted: this.#run.rebooted,
      onNote: (note) => {
        onNote?.(JSON.stringify(note));
        return null;
      },
    });
    if (this.#recorded) this.#run.log.grew(this.#recorded.position);
  }

  #open(): Recorder {
    if (this.#outside) throw new Error('the captures of this run have another writer');
    this.#recorder ??= new Recorder({
      directory: this.#run.directory,
      firstSeq: this.#nextSeq,
      maxOutputBytes: this.#maxOutputBytes,
      onAppend: (end) => this.#run.log.grew(end),
      recorded: this.#recorded,
      setup: this.context.setup !== null,
    });
    return this.#recorder;
  }

  #outsideWriter(): OutsideWriter {
    if (this.#recorder) throw new Error('the captures of this run have another writer');
    this.#outside = true;
    return {
      firstSeq: this.#nextSeq,
      grew: (end) => {
        this.#activeAt = performance.now();
        this.#run.log.grew(end);
      },
      active: () => {
        this.#activeAt = performance.now();
      },
      closed: (end, nextSeq) => {
        this.#run.log.grew(end);
        this.#nextSeq = nextSeq;
      },
      abandoned: () => {
        this.#outside = false;
      },
    };
  }
}
