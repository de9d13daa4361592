import type { RunContext } from '../../src/contract/context.ts';
import type { FailureReason } from '../../src/documents/failure.ts';
import type { Masking } from '../../src/outbound/masking.ts';
import { shortageOf } from '../../src/platform/shortage.ts';
import { Waiters } from '../../src/platform/waiters.ts';
import type { JsonText } from '../wire/json.ts';
import { saysCancelled } from './cancelled-state.ts';
import type { HttpAsyncSpec } from './spec.ts';

/** How the watch over a backend's job ended. */
export type Verdict =
  | { kind: 'terminal'; state: string; payload: JsonText }
  /** `rejected`: it was not to be asked for. */
  | { kind: 'failed'; words: string; reason?: FailureReason | undefined; rejected?: true }
  | { kind: 'aborted' };

/** What is known of the work that a backend does for one run. Whoever hears of it first, tells it here. */
export class BackendJob {
  readonly #ctx: RunContext<HttpAsyncSpec>;
  readonly #redact: (text: string) => string;
  readonly #masking: () => Masking;
  readonly #over = Promise.withResolvers<Verdict>();
  /** Who waits until there is reason to look again. */
  readonly sleepers = new Waiters();
  /** The kickoff began to leave, by a method that does something, and was answered; or may have, by an earlier server. */
  sent = false;
  unsafeSent = false;
  answered = false;
  runId: string | undefined;
  lastState: string | undefined;
  /** The last answer that had a state. */
  lastPayload: JsonText | undefined;
  polls = 0;
  /** Output came by another way than the final payload. */
  streamed = false;
  /** When the stream last said something; performance.now(). */
  streamedAt = 0;
  /** Keeps what a later server needs to know; called at every change. */
  remember: ((facts: { run_id?: string | undefined; last_state?: string | undefined }) => void) | null = null;
  /** Bytes of the backend's log that are written. */
  #logBytes = 0;
  /** What is held back of it: it may be the beginning of a secret. */
  #logRest = '';
  /** A later server would not know what this one does. */
  #unsaved = false;

  constructor(ctx: RunContext<HttpAsyncSpec>, redact: (text: string) => string, masking: () => Masking) {
    this.#ctx = ctx;
    this.#redact = redact;
    this.#masking = masking;
  }

  get verdict(): Promise<Verdict> {
    return this.#over.promise;
  }

  /** An earlier server may have sent the kickoff. */
  wasSent(): void {
    this.sent = true;
    this.unsafeSent = true;
  }

  /** An earlier server had the kickoff answered. */
  wasTaken(): void {
    this.wasSent();
    this.answered = true;
  }

  /** Without a reason it is what the backend answered. */
  fail(words: string, reason?: FailureReason): void {
    this.#over.resolve({ kind: 'failed', words, reason });
  }

  reject(words: string): void {
    this.#over.resolve({ kind: 'failed', words, rejected: true });
  }

  abort(): void {
    this.#over.resolve({ kind: 'aborted' });
  }

  isTerminal(state: string): boolean {
    return saysCancelled(state) || (this.#ctx.spec.poll_terminal_states?.includes(state) ?? false);
  }

  stateOf(payload: JsonText): string | undefined {
    return payload.wordAt(this.#ctx.spec.poll_status_path ?? '');
  }

  /** The backend said this. False when it holds no state. `more`: more may come at once, and `saveLatest` is called then. */
  hear(payload: JsonText, more = false): boolean {
    const state = this.stateOf(payload);
    if (state === undefined) return false;
    this.lastPayload = payload;
    const { poll_run_id_path: idPath, log_path: logPath } = this.#ctx.spec;
    if (idPath !== undefined) this.runId ??= payload.wordAt(idPath);
    if (logPath !== undefined) this.#log(payload.wordAt(logPath) ?? '');
    if (state !== this.lastState) {
      this.lastState = state;
      if (more && !this.isTerminal(state)) this.#unsaved = true;
      else this.save();
      this.#ctx.output.progress({
        message: this.#redact(state),
        data: {
          state: this.#redact(state),
          ...(this.runId === undefined ? {} : { run_id: this.#redact(this.runId) }),
        },
      });
    } else if (!more) this.saveLatest();
    if (this.isTerminal(state)) this.#over.resolve({ kind: 'terminal', state, payload });
    return true;
  }

  /** What a later server would not know yet. */
  saveLatest(): void {
    if (this.#unsaved) this.save();
  }

  /** What cannot be written now is written with a later answer: until then only a crash would need it. */
  save(): void {
    try {
      this.remember?.({ run_id: this.runId, last_state: this.lastState });
      this.#unsaved = false;
    } catch (error) {
      if (shortageOf(error) === null) throw error;
      this.#unsaved = true;
    }
  }

  /** What an earlier server knew, and what it wrote. */
  resume(facts: { run_id?: string | undefined; last_state?: string | undefined }): void {
    this.runId = facts.run_id;
    this.lastState = facts.last_state;
    this.streamed = this.#ctx.output.captured('stdout').bytes > 0;
    this.#logBytes = this.#ctx.output.captured('stderr').bytes;
  }

  /** A log that grows from answer to answer: what is new of it is stderr. One that got shorter began anew. */
  #log(text: string): void {
    // What ends in half a character may go on with the other half.
    const whole = text.replace(/[\ud800-\udbff]$/, '');
    const masking = this.#masking();
    const log = Buffer.from(masking.take(whole).toWellFormed());
    const rest = masking.end();
    if (log.length + rest.length < this.#logBytes) {
      this.endLog();
      this.#logBytes = 0;
    }
    const news = log.subarray(this.#logBytes);
    // An earlier server may have written the rest too, at the end.
    this.#logRest = rest.slice(Math.max(0, this.#logBytes - log.length));
    this.#logBytes = Math.max(this.#logBytes, log.length);
    if (news.length > 0) this.#ctx.output.write('stderr', news);
  }

  /** No more of it comes: what was held back is no secret. */
  endLog(): void {
    const rest = Buffer.from(this.#logRest);
    this.#logRest = '';
    if (rest.length > 0) this.#ctx.output.write('stderr', rest);
  }
}
