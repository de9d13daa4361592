import { constants } from 'node:os';
import { Recorder } from '../recorder.ts';
import { runDirectoryAt } from '../run-directory.ts';
import { resolveProgram, withLimits } from './command.ts';
import { Program } from './program.ts';
import type {
  ExitFacts,
  FromSupervisor,
  KnownRun,
  SpawnFailure,
  SpawnRequest,
  ToSupervisor,
} from './protocol.ts';
import { SpawnError, type Spawner } from './spawner.ts';
import { openStdin } from './stdin-source.ts';

interface Entry {
  program: Program | null;
  recorder: Recorder;
  exit: { facts: ExitFacts; end: number } | null;
}

/** Owns every program of one data directory, for as long as one of them lives. Speaks to one server at a time. */
export class Supervisor {
  readonly #spawner: Spawner;
  readonly #runs = new Map<string, Entry>();
  readonly #leaders = new Set<number>();
  #send: (message: FromSupervisor) => void = () => {};
  /** Runs whose journal has grown since the server was told. */
  readonly #grown = new Map<string, Entry>();

  constructor(spawner: Spawner) {
    this.#spawner = spawner;
  }

  /** Programs that still run. */
  get living(): number {
    return this.#leaders.size;
  }

  /** From now on tell this server. */
  connect(send: (message: FromSupervisor) => void): void {
    this.#send = send;
  }

  disconnect(): void {
    this.#send = () => {};
  }

  known(): KnownRun[] {
    return [...this.#runs].map(([run, entry]) => ({
      run,
      pid: entry.program?.pid ?? 0,
      journal_end: entry.recorder.position,
      exit: entry.exit,
    }));
  }

  async handle(message: ToSupervisor): Promise<void> {
    switch (message.op) {
      case 'spawn':
        return this.#spawn(message);
      case 'stop':
        return this.#runs.get(message.run)?.program?.stop(message.grace_ms);
      case 'forget':
        return void this.#runs.delete(message.run);
      case 'stdin':
        return this.#reply(message.n, () => this.#stdin(message));
      case 'signal':
        return this.#reply(message.n, () => this.#signal(message));
    }
  }

  stopAll(graceMs: number): void {
    for (const entry of this.#runs.values()) entry.program?.stop(graceMs);
  }

  async #spawn(request: SpawnRequest): Promise<void> {
    const { run } = request;
    if (this.#runs.has(run)) return;
    let recorder: Recorder;
    try {
      recorder = new Recorder({
        directory: runDirectoryAt(request.directory),
        firstSeq: request.first_seq,
        maxOutputBytes: request.max_output_bytes,
        onAppend: () => this.#grew(run, entry),
      });
    } catch (error) {
      const failure = failureOf(error);
      return this.#send({ op: 'failed', run, failure, captures: null, next_seq: request.first_seq });
    }
    const entry: Entry = { program: null, recorder, exit: null };
    this.#runs.set(run, entry);
    try {
      entry.program = await this.#start(request, recorder, entry);
    } catch (error) {
      this.#runs.delete(run);
      const { stdout, stderr, nextSeq } = recorder.end();
      recorder.close();
      this.#send({
        op: 'failed',
        run,
        failure: failureOf(error),
        captures: { stdout, stderr },
        next_seq: nextSeq,
      });
    }
  }

  async #start(request: SpawnRequest, recorder: Recorder, entry: Entry): Promise<Program> {
    const { run, command, environment, working_directory: workingDirectory } = request;
    const name = command[0] ?? '';
    const began = performance.now();
    const { program, argv } = withLimits(
      resolveProgram(name, environment, workingDirectory),
      command,
      request.limits,
    );
    const stdin = openStdin(request.stdin, request.directory);
    try {
      const spec = { program, argv, environment, workingDirectory, stdin: stdin.source };
      const starting = this.#spawner.spawn(spec);
      const child = starting instanceof Promise ? await starting : starting;
      this.#leaders.add(child.pid);
      return new Program(run, child, this.#spawner, performance.now() - began, recorder, {
        attached: () => this.#send({ op: 'started', run, pid: child.pid }),
        active: () => this.#send({ op: 'active', run }),
        isLeader: (pid) => this.#leaders.has(pid),
        ended: (facts) => {
          this.#leaders.delete(child.pid);
          entry.exit = { facts, end: recorder.position };
          this.#send({ op: 'exit', run, facts, end: recorder.position });
        },
      });
    } finally {
      stdin.close();
    }
  }

  async #stdin(message: { run: string; base64?: string; eof?: boolean }): Promise<void> {
    const program = this.#runs.get(message.run)?.program;
    if (!program) throw new Error('the run is not running');
    if (message.base64 !== undefined) await program.writeStdin(Buffer.from(message.base64, 'base64'));
    if (message.eof) program.closeStdin();
  }

  #signal(message: { run: string; signal: string }): void {
    const number = constants.signals[message.signal as NodeJS.Signals];
    if (!this.#runs.get(message.run)?.program?.signal(number)) throw new Error('the run is not running');
  }

  async #reply(n: number, work: () => Promise<void> | void): Promise<void> {
    try {
      await work();
      this.#send({ op: 'reply', n, error: null });
    } catch (error) {
      this.#send({ op: 'reply', n, error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Many small writes of one turn become one message a run. */
  #grew(run: string, entry: Entry): void {
    if (this.#grown.size === 0) setImmediate(() => this.#tellGrown());
    this.#grown.set(run, entry);
  }

  #tellGrown(): void {
    for (const [run, { exit, recorder }] of this.#grown)
      if (!exit) this.#send({ op: 'grew', run, end: recorder.position });
    this.#grown.clear();
  }
}

function failureOf(error: unknown): SpawnFailure {
  if (error instanceof SpawnError) return { code: error.code, message: error.message };
  const { code, message } = error as NodeJS.ErrnoException;
  return { code: code ?? 'EUNKNOWN', message };
}
