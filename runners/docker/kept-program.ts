import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/platform/error-words.ts';
import { LetGo } from './attendance.ts';
import { DaemonGone, daemonWords, statusOf } from './daemon.ts';
import { type Exec, execCode, listenTo, MOST_WORDS, startExec } from './exec.ts';
import { type JournalFrame, JournalReader } from './keeper/frames.ts';
import { KEEPER_CODES, LINES, readWords, runWords } from './keeper/words.ts';
import { keptJournal } from './kept-journal.ts';
import type { KeptOutput } from './kept-output.ts';
import type { KeptProgramPlan } from './kept-plan.ts';
import { stateOf } from './kept-state.ts';
import type { KeptStop } from './kept-stop.ts';
import { ToldProgram } from './kept-told.ts';
import { type Mode, never, type ProgramEnd, type Way } from './program-end.ts';
import type { RunTools } from './tools.ts';

const RETRY_MS = 250;
const RECONNECT_WHEN_STOPPING_MS = 3000;
/** So often an exec may fail for reasons that pass, and a claim be found taken and not. */
const MOST_TRIES = 40;

/** One program, begun by this server or an earlier one: never twice. */
export class KeptProgram {
  readonly #tools: Pick<RunTools, 'daemon' | 'reconnectMs' | 'closed'>;
  readonly #plan: KeptProgramPlan;
  readonly #told: ToldProgram;
  readonly #stop: KeptStop;
  #reader = new JournalReader();
  #exec: Exec | null = null;
  /** It may have been begun. */
  #begun: boolean;
  /** The keeper was put back: not again. */
  #mended = false;
  readonly #mend: () => Promise<string>;
  readonly #startsNothing: boolean;
  onFrame: (() => void) | null = null;

  constructor(
    tools: Pick<RunTools, 'daemon' | 'reconnectMs' | 'closed'>,
    plan: KeptProgramPlan,
    about: {
      output: KeptOutput;
      stop: KeptStop;
      /** An earlier server may have begun it. */
      begun: boolean;
      /** It is read, and not begun where it was not. */
      startsNothing?: boolean;
      onStarted?: (frame: { at: number }) => void;
      /** Puts its keeper where it is to be, where that seems not to be there. '' or why it cannot. */
      mend: () => Promise<string>;
    },
  ) {
    this.#tools = tools;
    this.#plan = plan;
    this.#told = new ToldProgram(about.output, about.onStarted ?? (() => {}));
    this.#stop = about.stop;
    this.#begun = about.begun;
    this.#mend = about.mend;
    this.#startsNothing = about.startsNothing ?? false;
  }

  /** Resolves when it has ended, or it is known that nobody knows. Throws LetGo when this process is to leave it. */
  async attend(): Promise<ProgramEnd> {
    const { closed } = this.#tools;
    const letGo = Promise.withResolvers<never>();
    const leave = (): void => letGo.reject(new LetGo());
    closed.addEventListener('abort', leave, { once: true });
    if (closed.aborted) leave();
    const staying = this.#stay();
    staying.catch(() => {}); // told below, or nobody's any more
    try {
      return await Promise.race([staying, letGo.promise]);
    } finally {
      closed.removeEventListener('abort', leave);
      if (closed.aborted) this.disconnect();
      this.#stop.follow(null);
    }
  }

  /** Was its journal read to the end. */
  get hasAll(): boolean {
    return this.#reader.ended;
  }

  /** Its end is stored: what the keeper has of it can go. False: who would do it is not there. */
  forget(): boolean {
    const socket = this.#exec?.socket;
    if (!socket?.writable) return false;
    socket.end(LINES.forget);
    return true;
  }

  disconnect(): void {
    this.#exec?.socket.destroy();
    this.#exec = null;
  }

  /** What is said to the keeper; false: there is no connection now. */
  tell(line: string): boolean {
    const socket = this.#exec?.socket;
    if (!socket || socket.destroyed || !socket.writable) return false;
    socket.write(line);
    return true;
  }

  async #stay(): Promise<ProgramEnd> {
    let mode: Mode = this.#begun ? 'read' : 'run';
    let silentSince: number | null = null;
    for (let tries = 0; ; ) {
      const way = await this.#connect(mode);
      if (this.#tools.closed.aborted) throw new LetGo();
      if (way.how === 'ended') return way.end;
      if (way.how === 'again') {
        mode = way.mode;
        silentSince = null;
        if (++tries < MOST_TRIES) {
          await sleep(Math.min(RETRY_MS, 10 * tries));
          continue;
        }
        return this.#lost(`the keeper of the program cannot be reached: ${way.words}`, 'there');
      }
      silentSince ??= performance.now();
      const { reconnectMs } = this.#tools;
      const most = this.#stop.begun ? Math.min(reconnectMs, RECONNECT_WHEN_STOPPING_MS) : reconnectMs;
      if (performance.now() - silentSince > most)
        return this.#begun
          ? this.#lost(`the Docker engine went away while the program ran: ${way.words}`, 'there')
          : { how: 'never', words: way.words, container: 'there' };
      if (this.#begun) mode = 'read';
      await sleep(RETRY_MS);
    }
  }

  async #connect(mode: Mode): Promise<Way> {
    const { daemon } = this.#tools;
    const { container, user, environment, workingDirectory, directory } = this.#plan;
    const argv = mode === 'run' ? runWords(this.#plan) : readWords(directory, this.#reader.offset);
    this.#reader = JournalReader.resume(this.#reader.offset);
    const wasBegun = this.#begun;
    let exec: Exec;
    try {
      const inside = mode === 'run' ? { environment, workingDirectory } : {};
      exec = await startExec(daemon, { container, user, argv, ...inside }, () => {
        if (mode === 'run') this.#begun = true; // it may be, from here on
      });
    } catch (error) {
      if (error instanceof DaemonGone) return { how: 'silent', words: messageOf(error) };
      this.#begun = wasBegun;
      return this.#unreached(error, mode);
    }
    this.#exec = exec;
    const said = { words: '', stderr: '', forged: false };
    const ended = Promise.withResolvers<void>();
    const over = listenTo(exec, (stream, bytes) => {
      if (this.#tools.closed.aborted) return void exec.socket.destroy();
      if (stream === 'stderr') said.stderr += bytes.toString().slice(0, MOST_WORDS - said.stderr.length);
      else this.#read(bytes, said);
      if (this.#reader.ended || said.forged) ended.resolve();
    });
    this.#stop.follow((line) => this.tell(line));
    const failure = await Promise.race([ended.promise, over]);
    if (this.#reader.ended) return { how: 'ended', end: this.#told.end() };
    if (said.forged) return this.#forged();
    this.#exec = null;
    if (failure?.failure) return { how: 'silent', words: messageOf(failure.failure) };
    return this.#after(exec.id, mode, said, wasBegun);
  }

  #read(bytes: Buffer, said: { words: string; forged: boolean }): void {
    if (said.words === '')
      try {
        for (const frame of this.#reader.push(bytes)) this.#take(frame);
        return;
      } catch {
        // What the engine says, where the keeper could not be executed.
        said.forged = this.#reader.offset > 0;
      }
    said.words += bytes.toString().slice(0, MOST_WORDS - said.words.length);
  }

  #take(frame: JournalFrame): void {
    this.onFrame?.();
    this.#told.take(frame);
  }

  /** A program may write to its own journal: it is ended, and what it says there of its end is not told. */
  #forged(): Way {
    this.disconnect();
    return { how: 'ended', end: this.#lost('something else than its keeper wrote to its journal', 'there') };
  }

  #lost(words: string, container: 'there' | 'stopped' | 'gone'): ProgramEnd {
    return { how: 'lost', words, container };
  }

  /** The connection is over, and the journal is not. */
  async #after(
    id: string,
    mode: Mode,
    { words, stderr }: { words: string; stderr: string },
    wasBegun: boolean,
  ): Promise<Way> {
    const { daemon } = this.#tools;
    let code: number | null;
    try {
      code = await execCode(daemon, id);
    } catch (error) {
      return { how: 'silent', words: messageOf(error) };
    }
    let why = (words || stderr).trim();
    if (code === KEEPER_CODES.taken) return { how: 'again', mode: 'read', words: why };
    if (code === KEEPER_CODES.noJournal && this.#reader.offset === 0) {
      if (this.#startsNothing) return never(why, 'there');
      this.#begun = false;
      return { how: 'again', mode: 'run', words: why };
    }
    const state = await stateOf(daemon, this.#plan.container);
    if (state.is === 'silent') return { how: 'silent', words: state.words };
    if (state.is === 'gone' || state.is === 'stopped') return this.#withoutContainer(state, wasBegun, mode);
    if (code === KEEPER_CODES.forged) return this.#forged();
    if (code === KEEPER_CODES.keeperDied)
      return { how: 'ended', end: this.#lost('what watched the program was killed', 'there') };
    const saidNothing = mode === 'run' && this.#reader.offset === 0 && !wasBegun && code !== null;
    if (!this.#mended && code !== null) {
      this.#mended = true;
      const failure = await this.#mend();
      if (failure === '') {
        if (saidNothing) this.#begun = false;
        return { how: 'again', mode: saidNothing ? 'run' : 'read', words: why };
      }
      why = why === '' ? failure : `${why}; ${failure}`;
    }
    if (saidNothing && code !== 0 && why !== '') {
      // The engine or the keeper says why it began nothing.
      this.#begun = false;
      return { how: 'ended', end: { how: 'never', words: why, container: 'there' } };
    }
    return { how: 'again', mode: 'read', words: why || 'the connection broke off' };
  }

  async #unreached(error: unknown, mode: Mode): Promise<Way> {
    const { daemon, closed } = this.#tools;
    const state = await stateOf(daemon, this.#plan.container);
    if (state.is === 'silent') return { how: 'silent', words: state.words };
    if (state.is === 'paused') {
      if (!this.#begun) return never('the container is paused', 'paused');
      if (closed.aborted) throw new LetGo();
      await sleep(RETRY_MS);
      return { how: 'silent', words: 'the container is paused' };
    }
    if (state.is === 'running') {
      if (this.#begun || statusOf(error) === 409) return { how: 'again', mode, words: daemonWords(error) };
      return never(daemonWords(error), 'there');
    }
    return this.#withoutContainer(state, this.#begun, mode);
  }

  /** What it wrote to its journal before may tell how it ended. */
  async #withoutContainer(
    state: { is: 'stopped' | 'gone'; words: string },
    begun: boolean,
    mode: Mode,
  ): Promise<Way> {
    if (state.is === 'gone')
      return begun || mode === 'read' || this.#reader.offset > 0
        ? { how: 'ended', end: this.#lost(state.words, 'gone') }
        : never(state.words, 'gone');
    const { daemon } = this.#tools;
    try {
      const { directory, container } = this.#plan;
      const journal = await keptJournal(daemon, container, directory);
      if (journal === null && this.#reader.offset === 0) return never(state.words, 'stopped');
      if (journal === null) return { how: 'ended', end: this.#lost(state.words, 'stopped') };
      let skip = this.#reader.offset;
      this.#reader = JournalReader.resume(skip);
      for await (const chunk of journal) {
        const known = Math.min(skip, chunk.length);
        skip -= known;
        for (const frame of this.#reader.push(chunk.subarray(known))) this.#take(frame);
      }
    } catch (error) {
      if (error instanceof DaemonGone) return { how: 'silent', words: messageOf(error) };
      return { how: 'ended', end: this.#lost(`${state.words}; ${messageOf(error)}`, 'stopped') };
    }
    if (this.#reader.ended) return { how: 'ended', end: this.#told.end() };
    return { how: 'ended', end: this.#lost(state.words, 'stopped') };
  }
}
