import { setTimeout as sleep } from 'node:timers/promises';
import { RunwireError } from '../../documents/errors.ts';
import type { TerminalSize } from '../../documents/terminal.ts';
import { ChurnMap } from '../../platform/churn-map.ts';
import {
  PROTOCOL_VERSION,
  type SpawnRequest,
  type TimeLimit,
  type ToSupervisor,
} from '../protocol/messages.ts';
import { connectOtherSupervisors, connectSupervisor, type LaunchOptions, supervisorKey } from './launch.ts';
import { ConnectionClosed, openLine, type SupervisorLine, type SupervisorMessage } from './line.ts';
import { type ProgramListener, tell } from './listener.ts';
import { OtherSupervisors } from './others.ts';
import { Questions } from './questions.ts';

interface Handed {
  directory: string;
  firstSeq: number;
  /** ms since the epoch */
  startedAt: number;
  /** The machine restarted since. */
  rebooted: boolean;
  timeLimit?: TimeLimit | undefined;
  /** It has a setup. */
  setup?: boolean;
  listener: ProgramListener;
}

const CONNECT_ATTEMPTS = 5;
const CONNECT_PAUSE_MS = 20;

/**
 * The server's side of the supervisor: one connection, made again when the supervisor has died. Supervisors of other
 * versions that still have programs are listened to until these are over; they get no new ones.
 */
export class SupervisorClient {
  readonly #launch: LaunchOptions;
  readonly #runs = new ChurnMap<string, Handed & { line: SupervisorLine }>();
  readonly #questions = new Questions();
  #connecting: Promise<SupervisorLine> | null = null;
  #line: SupervisorLine | null = null;
  readonly #others = new OtherSupervisors();
  #closing = false;

  constructor(launch: LaunchOptions) {
    this.#launch = launch;
  }

  /** Reach the supervisor, starting it when needed, and those of other versions that are there. */
  async connect(): Promise<void> {
    await this.#connection();
    for (const socket of await connectOtherSupervisors(this.#launch.dataDir)) {
      const line: SupervisorLine = await openLine(
        socket,
        supervisorKey(this.#launch.dataDir),
        (message) => this.#receive(message),
        () => void this.#otherLost(line),
      );
      this.#others.add(line);
    }
  }

  /** What supervisors still have and no record waits for is ended; one of another version that has nothing else is left. */
  endStrangers(isWaitedFor: (run: string) => boolean): void {
    for (const line of [...(this.#line ? [this.#line] : []), ...this.#others.lines])
      for (const run of line.runs ?? []) {
        if (isWaitedFor(run)) continue;
        line.send({ op: 'stop', run, grace_ms: 0 });
        line.send({ op: 'forget', run });
        this.#others.over(line, run);
      }
    this.#others.leaveIdle();
  }

  /** Rejects when there is no supervisor and none can be started. */
  async spawn(request: SpawnRequest, startedAt: number, listener: ProgramListener): Promise<void> {
    const line = this.#line ?? (await this.#connection());
    const { run, directory, first_seq: firstSeq, time_limit: timeLimit } = request;
    const handed = { directory, firstSeq, startedAt, rebooted: false, timeLimit, listener, line };
    this.#runs.set(run, request.setup ? { ...handed, setup: true } : handed);
    line.send(request);
  }

  /** Resume a run of an earlier server: the listener is told what the supervisor, or its files, know. */
  async adopt(run: string, handed: Handed): Promise<void> {
    const own = this.#line ?? (await this.#connection());
    this.#adoptAt(own.runs?.has(run) ? own : (this.#others.with(run) ?? own), run, handed);
  }

  stop(run: string, graceMs: number): void {
    this.#runs.get(run)?.line.send({ op: 'stop', run, grace_ms: graceMs });
  }

  /** The result of the run is stored. */
  forget(run: string): void {
    const line = this.#runs.get(run)?.line ?? this.#line;
    this.#runs.delete(run);
    if (!line) return;
    line.mention({ op: 'forget', run });
    this.#others.over(line, run);
  }

  /** Rejects with RunwireError stdin_closed when the program takes no more input. */
  writeStdin(run: string, bytes: Buffer): Promise<void> {
    const base64 = bytes.toString('base64');
    return this.#ask('stdin_closed', run, (n) => ({ op: 'stdin', run, n, base64 }));
  }

  closeStdin(run: string): Promise<void> {
    return this.#ask('stdin_closed', run, (n) => ({ op: 'stdin', run, n, eof: true }));
  }

  /** Rejects with RunwireError not_running when the program has ended. */
  resize(run: string, { cols, rows }: TerminalSize): Promise<void> {
    return this.#ask('not_running', run, (n) => ({ op: 'resize', run, n, cols, rows }));
  }

  /** Rejects with RunwireError not_running when the program has ended. */
  signal(run: string, signal: string): Promise<void> {
    return this.#ask('not_running', run, (n) => ({ op: 'signal', run, n, signal }));
  }

  /** End what the setups of a session left running. Rejects where something of it lives on, or that cannot be told. */
  async end(directories: readonly string[]): Promise<void> {
    const line = this.#line ?? (await this.#connection());
    await this.#questions.ask(line, 'not_running', (n) => ({ op: 'end', n, directories: [...directories] }));
  }

  /** Leave the supervisors: they end every program and themselves (quit), or go on (leave). */
  async close(how: 'quit' | 'leave'): Promise<void> {
    this.#closing = true;
    await Promise.all([this.#line, ...this.#others.lines].map((line) => line?.close(how)));
  }

  async #ask(
    refused: 'stdin_closed' | 'not_running',
    run: string,
    message: (n: number) => ToSupervisor,
  ): Promise<void> {
    const line = this.#runs.get(run)?.line;
    if (!line || (line !== this.#line && !this.#others.has(line)))
      throw new RunwireError('not_running', 'the supervisor of the program is gone');
    await this.#questions.ask(line, refused, message);
  }

  #adoptAt(line: SupervisorLine, run: string, handed: Handed): void {
    this.#runs.set(run, { ...handed, line });
    const { directory, firstSeq: first_seq, startedAt: started_at, rebooted, timeLimit: time_limit } = handed;
    const { setup } = handed;
    line.send({
      ...{ op: 'adopt', run, directory, first_seq, started_at },
      ...(rebooted && { rebooted }),
      ...(time_limit && { time_limit }),
      ...(setup && { setup }),
    });
  }

  #connection(): Promise<SupervisorLine> {
    this.#connecting ??= this.#reach().catch((error) => {
      this.#connecting = null;
      throw error;
    });
    return this.#connecting;
  }

  async #reach(): Promise<SupervisorLine> {
    for (let attempt = 1; ; attempt++)
      try {
        return await this.#open();
      } catch (error) {
        if (!(error instanceof ConnectionClosed) || attempt === CONNECT_ATTEMPTS) throw error;
        await sleep(attempt * CONNECT_PAUSE_MS);
      }
  }

  async #open(): Promise<SupervisorLine> {
    // Before one is started, which looks for it.
    const key = supervisorKey(this.#launch.dataDir);
    const line: SupervisorLine = await openLine(
      await connectSupervisor(this.#launch),
      key,
      (message) => this.#receive(message),
      () => void this.#lost(line),
    );
    if (line.version !== PROTOCOL_VERSION) {
      void line.close('leave');
      throw new Error(`the supervisor speaks protocol ${line.version}, not ${PROTOCOL_VERSION}`);
    }
    this.#line = line;
    return line;
  }

  #receive(message: SupervisorMessage): void {
    if (message.op === 'reply') return this.#questions.answered(message.n, message.error);
    const { op, run } = message;
    const handed = this.#runs.get(run);
    if (!handed) return;
    // One that does not say what it has does not know either what others had.
    if (op === 'absent' && handed.line.runs === null) void this.#adoptAnew([run]);
    else tell(handed.listener, message);
  }

  async #otherLost(line: SupervisorLine): Promise<void> {
    if (this.#others.delete(line)) await this.#lost(line);
  }

  /** A supervisor that died is replaced, and the new one looks what became of the runs. */
  async #lost(line: SupervisorLine): Promise<void> {
    if (line === this.#line) {
      this.#line = null;
      this.#connecting = null;
    }
    this.#questions.lost(line);
    const runs = [...this.#runs].filter(([, handed]) => handed.line === line);
    await this.#adoptAnew(runs.map(([run]) => run));
  }

  async #adoptAnew(runs: string[]): Promise<void> {
    if (this.#closing || runs.length === 0) return;
    const handed = runs.map((run) => [run, this.#runs.get(run)] as const);
    try {
      const own = await this.#connection();
      for (const [run, known] of handed)
        if (known && this.#runs.get(run) === known) this.#adoptAt(own, run, known);
    } catch {
      for (const [run, known] of handed) if (this.#runs.delete(run)) known?.listener.lost(null);
    }
  }
}
