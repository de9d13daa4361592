import { constants } from 'node:os';
import { runDirectoryAt } from '../disk/run-directory.ts';
import { Recorder } from '../journal/recorder.ts';
import { ChurnMap } from '../platform/churn-map.ts';
import { messageOf } from '../platform/error-words.ts';
import { type AdoptRequest, adopt } from './adopt.ts';
import { markOf } from './find/marks.ts';
import { ProcessSearch } from './find/search.ts';
import { Growth } from './growth.ts';
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
import { ServedTimes } from './served.ts';
import { resolveProgram } from './spawn/command.ts';
import { checkDescriptors } from './spawn/descriptors.ts';
import { failureOf } from './spawn/failure.ts';
import { withLimits } from './spawn/limits.ts';
import type { Spawner, StartedProgram } from './spawn/spawner.ts';
import { openStdin } from './spawn/stdin.ts';
import { type Due, UnwatchedClocks } from './unwatched.ts';

interface Entry {
  recorder: Recorder;
  /** Null until it has started. */
  program: Program | null;
  /** Resolves when it has started or could not. */
  begun: Promise<void> | null;
  /** Asked to stop before it had started. */
  stopGraceMs: number | null;
  /** Null: it may take as long as it likes, or no server has said how long. */
  due: Due | null;
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
  readonly #served = new ServedTimes();
  readonly #clocks = new UnwatchedClocks();
  #send: ((message: FromSupervisor) => void) | null = null;
  readonly #growth = new Growth((run) => this.#tellGrown(run));
  /** Runs of earlier supervisors that are being looked at. */
  #adopting = 0;

  constructor(spawner: Spawner, place: string) {
    this.#spawner = spawner;
    this.#place = place;
  }

  /** Work that still goes on. */
  get living(): number {
    return this.#leaders.size + this.#adopting;
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
    this.#clocks.stop();
    this.#served.end();
    if (isOurs) this.#served.begin();
    this.#send = send;
  }

  /** What the next server will ask for is written now, and need not be kept. */
  disconnect(): void {
    this.#served.end();
    this.#send = null;
    this.#writeExits();
    this.#clocks.start(this.#dues(), (run, graceMs) => this.#timeOut(run, graceMs));
  }

  /** What a full disk does not take is kept here, and tried again. */
  #writeExits(): void {
    for (const [run, { exit, recorder }] of this.#runs) {
      if (!exit || !(exit.recorded || noteExit(recorder, exit.facts))) continue;
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
        return void this.#reply(
          message.n,
          message.run,
          (program) => feed(program, message),
          // What has ended is closed: only bytes for it are refused.
          () => message.base64 === undefined || refuseEnded(),
        );
      case 'signal':
        return void this.#reply(message.n, message.run, (program) => signal(program, message.signal));
    }
  }

  stopAll(graceMs: number): void {
    for (const run of this.#runs.keys()) this.#stop(run, graceMs);
  }

  *#dues(): Generator<readonly [string, Due]> {
    for (const [run, { due, exit }] of this.#runs) if (due && !exit) yield [run, due];
  }

  /** Its time is over, and no server is there to end it. */
  #timeOut(run: string, graceMs: number): void {
    const entry = this.#runs.get(run);
    if (entry?.program) entry.program.timeOut(graceMs);
    else void entry?.begun?.then(() => this.#timeOut(run, graceMs));
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
    const entry: Entry = {
      recorder,
      program: null,
      begun: null,
      stopGraceMs: null,
      due: dueOf(request),
      exit: null,
    };
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

  #started({ run }: SpawnRequest, entry: Entry, child: StartedProgram, began: number): void {
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
    if (!this.#send) noteFailed(recorder, failure);
    recorder.close();
    this.#tell({ op: 'failed', run, failure, captures: { stdout, stderr }, next_seq: nextSeq });
  }

  /** A new server asks for a run of an earlier one. */
  #adopt(request: AdoptRequest): void {
    const { run } = request;
    const entry = this.#runs.get(run);
    if (!entry) return void this.#adoptOfAnother(request);
    entry.due ??= dueOf(request, Math.max(0, Date.now() - request.started_at));
    if (entry.exit) {
      const { facts, end } = entry.exit;
      return this.#tell({ op: 'exit', run, facts, end });
    }
    this.#tell({ op: 'started', run, pid: entry.program?.pid ?? 0 });
    this.#tell({ op: 'grew', run, end: entry.recorder.position });
  }

  async #adoptOfAnother(request: AdoptRequest): Promise<void> {
    this.#adopting++;
    const { signal } = this.#spawner;
    this.#tell(
      await adopt(request, { finder: this.#search, signal, place: this.#place, served: this.#served }),
    );
    this.#adopting--;
  }

  async #reply(
    n: number,
    run: string,
    use: (program: Program) => Promise<void> | void,
    ended: () => unknown = refuseEnded,
  ): Promise<void> {
    try {
      const entry = this.#runs.get(run);
      if (entry && !entry.program) await entry.begun;
      if (entry?.program && !entry.exit) await use(entry.program);
      else ended();
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

function dueOf({ time_limit: limit }: { time_limit?: TimeLimit | undefined }, goneMs = 0): Due | null {
  return limit ? { at: performance.now() + limit.ms - goneMs, graceMs: limit.grace_ms } : null;
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
  if (!program.signal(number)) refuseEnded();
}

function refuseEnded(): never {
  throw new Error('the program has ended');
}
