import { constants } from 'node:os';
import { runDirectoryAt } from '../disk/run-directory.ts';
import { Recorder } from '../journal/recorder.ts';
import { ChurnMap } from '../platform/churn-map.ts';
import { messageOf } from '../platform/error-words.ts';
import { recordExit } from './exit-record.ts';
import { killAll } from './find/kill-rounds.ts';
import { type Marks, markOf } from './find/marks.ts';
import { ProcessSearch } from './find/search.ts';
import { Growth } from './growth.ts';
import { Program } from './program.ts';
import type {
  ExitFacts,
  FromSupervisor,
  SpawnFailure,
  SpawnRequest,
  ToSupervisor,
} from './protocol/messages.ts';
import { completeExit, completeJournal, readRemains } from './salvage.ts';
import { resolveProgram } from './spawn/command.ts';
import { checkDescriptors } from './spawn/descriptors.ts';
import { failureOf } from './spawn/failure.ts';
import { withLimits } from './spawn/limits.ts';
import type { Spawner, Started } from './spawn/spawner.ts';
import { openStdin } from './spawn/stdin.ts';

/** Nobody waits for a lost run: what a busy machine takes time to end is not called a survivor. */
const LOST_SETTLE_MS = 5000;

interface Entry {
  recorder: Recorder;
  /** Null until it has started. */
  program: Program | null;
  /** Resolves when it has started or could not. */
  begun: Promise<void> | null;
  /** Asked to stop before it had started. */
  stopGraceMs: number | null;
  exit: { facts: ExitFacts; end: number; recorded: boolean } | null;
}

/** Owns every program of one data directory, for as long as one of them lives. Speaks to one server at a time. */
export class Supervisor {
  readonly #spawner: Spawner;
  /** What tells this data directory from others of the same path. */
  readonly #place: string;
  readonly #search = new ProcessSearch();
  readonly #runs = new ChurnMap<string, Entry>();
  readonly #leaders = new Set<number>();
  /** When an earlier server handed its runs to this supervisor. Closed: a clock that was set back makes one empty. */
  readonly #served: { from: number; to: number }[] = [];
  #servesSince: number | null = null;
  #send: ((message: FromSupervisor) => void) | null = null;
  readonly #growth = new Growth((run) => this.#tellGrown(run));
  #salvaging = 0;

  constructor(spawner: Spawner, place: string) {
    this.#spawner = spawner;
    this.#place = place;
  }

  /** Work that still goes on. */
  get living(): number {
    return this.#leaders.size + this.#salvaging;
  }

  /** Without a server: how everything ended is written, so that nobody needs this process any more. */
  get isSettled(): boolean {
    this.#writeExits();
    return this.living + this.#runs.size === 0;
  }

  /** Runs that are not forgotten. */
  get runs(): string[] {
    return [...this.#runs.keys()];
  }

  /** From now on tell this server. One of another version (`isOurs` false) gives its new runs to another supervisor. */
  connect(send: (message: FromSupervisor) => void, isOurs: boolean): void {
    this.#serverLeft();
    this.#send = send;
    this.#servesSince = isOurs ? Date.now() : null;
  }

  /** What the next server will ask for is written now, and need not be kept. */
  disconnect(): void {
    this.#serverLeft();
    this.#send = null;
    this.#writeExits();
  }

  #serverLeft(): void {
    if (this.#servesSince !== null) this.#served.push({ from: this.#servesSince, to: Date.now() });
    this.#servesSince = null;
  }

  /** What a full disk does not take is kept here, and tried again. */
  #writeExits(): void {
    for (const [run, { exit, recorder }] of this.#runs) {
      if (!exit || !(exit.recorded || recordExit(recorder, exit.facts))) continue;
      recorder.close();
      this.#runs.delete(run);
    }
  }

  handle(message: ToSupervisor): void {
    switch (message.op) {
      case 'spawn':
        return this.#spawn(message);
      case 'adopt':
        return this.#adopt(message);
      case 'stop':
        return this.#stop(message.run, message.grace_ms);
      case 'forget':
        return void this.#runs.delete(message.run);
      case 'stdin':
        return void this.#reply(message.n, message.run, (program) => feed(program, message));
      case 'signal':
        return void this.#reply(message.n, message.run, (program) => signal(program, message.signal));
    }
  }

  stopAll(graceMs: number): void {
    for (const run of this.#runs.keys()) this.#stop(run, graceMs);
  }

  #tell(message: FromSupervisor): void {
    this.#send?.(message);
  }

  #stop(run: string, graceMs: number): void {
    const entry = this.#runs.get(run);
    if (entry?.program) entry.program.stop(graceMs);
    else if (entry) entry.stopGraceMs = Math.min(graceMs, entry.stopGraceMs ?? graceMs);
  }

  #spawn(request: SpawnRequest): void {
    const { run } = request;
    if (this.#runs.has(run)) return;
    const recorder = new Recorder({
      directory: runDirectoryAt(request.directory),
      firstSeq: request.first_seq,
      maxOutputBytes: request.max_output_bytes,
      onAppend: () => this.#growth.grew(run),
    });
    const entry: Entry = { recorder, program: null, begun: null, stopGraceMs: null, exit: null };
    this.#runs.set(run, entry);
    this.#start(request, entry);
  }

  #start(request: SpawnRequest, entry: Entry): void {
    const { command, environment, working_directory: workingDirectory } = request;
    const began = performance.now();
    let path: string | null = null;
    try {
      path = resolveProgram(command[0] ?? '', environment, workingDirectory);
      checkDescriptors(this.#leaders.size);
      const { program, argv } = withLimits(path, command, request.limits);
      const stdin = openStdin(request.stdin, request.directory);
      const mark = markOf(this.#place, request.directory);
      const spec = { program, argv, environment, workingDirectory, mark, stdin: stdin.source };
      try {
        const starting = this.#spawner.spawn(spec);
        if (!(starting instanceof Promise)) return this.#started(request, entry, starting, began);
        entry.begun = starting.then(
          (child) => this.#started(request, entry, child, began),
          (error) => this.#failed(request, entry, failureOf(error, request, path)),
        );
      } finally {
        stdin.close();
      }
    } catch (error) {
      this.#failed(request, entry, failureOf(error, request, path));
    }
  }

  #started({ run }: SpawnRequest, entry: Entry, child: Started, began: number): void {
    const { recorder } = entry;
    this.#leaders.add(child.pid);
    entry.program = new Program(run, child, this.#spawner, performance.now() - began, recorder, {
      attached: () => this.#tell({ op: 'started', run, pid: child.pid }),
      active: () => this.#tell({ op: 'active', run }),
      isHeard: () => this.#send !== null,
      ended: (facts, recorded) => {
        this.#leaders.delete(child.pid);
        entry.exit = { facts, end: recorder.position, recorded };
        if (!this.#send && recorded) this.#runs.delete(run);
        this.#tell({ op: 'exit', run, facts, end: recorder.position });
      },
    });
    if (entry.stopGraceMs !== null) entry.program.stop(entry.stopGraceMs);
  }

  #failed({ run }: SpawnRequest, { recorder }: Entry, failure: SpawnFailure): void {
    this.#runs.delete(run);
    const { stdout, stderr, nextSeq } = recorder.end();
    if (!this.#send)
      try {
        recorder.note({ failed: failure });
      } catch {
        // a later server will call the run lost
      }
    recorder.close();
    this.#tell({ op: 'failed', run, failure, captures: { stdout, stderr }, next_seq: nextSeq });
  }

  /** A new server asks for a run of an earlier one. */
  #adopt(request: Extract<ToSupervisor, { op: 'adopt' }>): void {
    const { run } = request;
    const entry = this.#runs.get(run);
    if (!entry) return void this.#salvage(request);
    if (entry.exit) {
      const { facts, end } = entry.exit;
      return this.#tell({ op: 'exit', run, facts, end });
    }
    this.#tell({ op: 'started', run, pid: entry.program?.pid ?? 0 });
    this.#tell({ op: 'grew', run, end: entry.recorder.position });
  }

  /** What an earlier supervisor left of a run: its last words, or its orphans. */
  async #salvage(request: Extract<ToSupervisor, { op: 'adopt' }>): Promise<void> {
    const { run, directory, first_seq, started_at, rebooted = false } = request;
    const files = runDirectoryAt(directory);
    this.#salvaging++;
    try {
      const remains = await readRemains(files, first_seq, rebooted);
      // Nothing written: it was never handed over, if this supervisor would have been the one to get it.
      if (!remains.recorded && this.#servedAt(started_at)) return this.#tell({ op: 'absent', run });
      const { recorded, exit, failed, started } = remains;
      if (exit && recorded)
        return this.#tell({ op: 'exit', run, ...completeExit(files, first_seq, recorded, exit) });
      const marks: Marks = {
        run,
        leader: started?.pid ?? null,
        leaderGoneAt: null,
        ...(started && { leaderStartTime: started.start_time }),
        mark: started ? null : markOf(this.#place, directory),
      };
      // After a restart of the machine its marks could only be found on strangers.
      const { found, survivors } =
        failed || rebooted
          ? { found: false, survivors: 0 }
          : await killAll({ finder: this.#search, signal: this.#spawner.signal }, marks, LOST_SETTLE_MS);
      const { captures, end, next_seq } = completeJournal(files, first_seq, recorded);
      const kill = { signals: found ? ['SIGKILL'] : [], survivors };
      if (failed) this.#tell({ op: 'failed', run, failure: failed, captures, next_seq });
      else this.#tell({ op: 'lost', run, captures, end, next_seq, kill });
    } catch (error) {
      console.error(`runwire supervisor: ${run} could not be taken up: ${String(error)}`);
      this.#tell({ op: 'unreadable', run, message: messageOf(error) });
    } finally {
      this.#salvaging--;
    }
  }

  /** Would an earlier server have handed a run that began at this moment to this supervisor. */
  #servedAt(moment: number): boolean {
    return this.#served.some(({ from, to }) => from <= moment && moment <= to);
  }

  async #reply(n: number, run: string, use: (program: Program) => Promise<void> | void): Promise<void> {
    try {
      const entry = this.#runs.get(run);
      if (entry && !entry.program) await entry.begun;
      if (!entry?.program || entry.exit) throw new Error('the program has ended');
      await use(entry.program);
      this.#tell({ op: 'reply', n, error: null });
    } catch (error) {
      this.#tell({ op: 'reply', n, error: messageOf(error) });
    }
  }

  #tellGrown(run: string): void {
    const entry = this.#runs.get(run);
    if (entry && !entry.exit) this.#tell({ op: 'grew', run, end: entry.recorder.position });
  }
}

async function feed(
  program: Program,
  { base64, eof }: Extract<ToSupervisor, { op: 'stdin' }>,
): Promise<void> {
  if (base64 !== undefined) await program.writeStdin(Buffer.from(base64, 'base64'));
  if (eof) program.closeStdin();
}

function signal(program: Program, name: string): void {
  const number = constants.signals[name as NodeJS.Signals];
  if (number === undefined) throw new Error(`${name} is not a signal of this system`);
  if (!program.signal(number)) throw new Error('the program has ended');
}
