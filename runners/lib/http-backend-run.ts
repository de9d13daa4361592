import { AddressDenied } from '../../src/address-guard.ts';
import { type AbortReason, Rejected, type RunContext, type RunnerOutcome } from '../../src/runner.ts';
import type { Secrets } from '../../src/secrets.ts';
import { keepText } from './http-artifact.ts';
import type { HttpAsyncSpec } from './http-async-spec.ts';
import { Backend } from './http-backend.ts';
import type { Connections } from './http-client.ts';
import { failureWords, statusWords } from './http-failure.ts';
import { follow } from './http-follow.ts';
import { BackendJob, type Verdict } from './http-job.ts';
import { parseJson, preview, TextTaker, valueAt, wordAt } from './http-json.ts';
import { poll } from './http-poll.ts';
import type { Journey } from './http-redirect.ts';
import { redactor } from './http-secrets.ts';

/** A cancel call gets at least so long. */
const SHORTEST_GRACE_MS = 200;
const CANCELLED = new Set(['cancelled', 'canceled']);

/** One run of kind http_async: kickoff, watch, and the end. */
export class BackendRun {
  readonly #ctx: RunContext<HttpAsyncSpec>;
  readonly #backend: Backend;
  readonly #streams: Backend;
  readonly #redact: (text: string) => string;
  readonly #job: BackendJob;
  /** Aborts when there is a verdict: nothing more is asked. */
  readonly #enough = new AbortController();
  /** Aborts when the grace after a cancel or timeout is over. */
  readonly #graceOver = new AbortController();
  #graceTimer: NodeJS.Timeout | undefined;
  #kickoff: Journey | null = null;
  /** The kickoff's answer, parsed. */
  #document: unknown;
  #cancelled: string | null = null;

  constructor(
    ctx: RunContext<HttpAsyncSpec>,
    { calls, streams }: { calls: Connections; streams: Connections },
    secrets: Secrets,
  ) {
    this.#ctx = ctx;
    this.#backend = new Backend(ctx, calls, secrets);
    this.#streams = new Backend(ctx, streams, secrets);
    this.#redact = redactor(ctx.spec.auth, secrets);
    this.#job = new BackendJob(ctx, this.#redact);
  }

  async run(): Promise<RunnerOutcome> {
    const { signal } = this.#ctx;
    const aborted = (): void => this.#abort(signal.reason as AbortReason);
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    this.#ctx.offer({
      callback: async (body) => this.#callback(body),
      hasten: (graceMs) => this.#setGrace(graceMs),
    });
    try {
      const watchers = (await this.#start()) && !signal.aborted ? this.#watch() : [];
      const verdict = await this.#job.verdict;
      this.#enough.abort();
      await Promise.all(watchers);
      if (verdict.kind === 'aborted') await this.#cancel();
      return this.#outcome(verdict);
    } finally {
      clearTimeout(this.#graceTimer);
      signal.removeEventListener('abort', aborted);
      this.#enough.abort();
      this.#graceOver.abort();
    }
  }

  #abort({ graceMs }: AbortReason): void {
    this.#setGrace(graceMs);
    this.#job.abort();
  }

  #setGrace(graceMs: number): void {
    clearTimeout(this.#graceTimer);
    const ms = Math.min(Math.max(graceMs, SHORTEST_GRACE_MS), 2 ** 31 - 1);
    this.#graceTimer = setTimeout(() => this.#graceOver.abort(), ms);
  }

  /** True when the backend has taken the job. */
  async #start(): Promise<boolean> {
    const taker = new TextTaker();
    const stop = new AbortController();
    // A kickoff under way when the run is aborted may still name the job that has to be cancelled.
    void this.#job.verdict.then(({ kind }) => {
      if (kind !== 'aborted' || this.#ctx.spec.cancel === undefined) stop.abort();
    });
    const giveUp = (): void => stop.abort();
    this.#graceOver.signal.addEventListener('abort', giveUp, { once: true });
    const journey = await this.#backend.kickoff(taker, stop.signal);
    this.#kickoff = journey;
    if (journey.error instanceof AddressDenied && !journey.sent)
      throw new Rejected(`http.url: ${journey.error.message}`);
    if (stop.signal.aborted) return false;
    const { head, error } = journey;
    if (head && ![200, 201, 202].includes(head.status)) {
      const text = preview(this.#redact(taker.text()));
      this.#fail(`kickoff expected HTTP 202 or 200, got ${statusWords(head)}${text && `: ${text}`}`);
    } else if (error !== null) this.#fail(`kickoff: ${failureWords(error)}`);
    else return this.#accepted(taker.text(), head?.status);
    return false;
  }

  #accepted(text: string, status: number | undefined): boolean {
    const { poll_run_id_path: idPath } = this.#ctx.spec;
    const document = parseJson(text);
    if (idPath !== undefined) this.#job.runId = wordAt(document, idPath);
    const state = this.#job.stateOf(document);
    // 202 says that it goes on, whatever the state.
    if (state !== undefined && !(status === 202 && this.#job.isTerminal(state))) this.#job.hear(text);
    this.#document = document;
    return true;
  }

  /** Poll and follow, as far as there are addresses. */
  #watch(): Promise<void>[] {
    const signal = this.#enough.signal;
    try {
      const watchers: Promise<void>[] = [];
      const polled = this.#pollPlace();
      const streamed = this.#streamPlace();
      const { spec } = this.#ctx;
      const redact = this.#redact;
      if (polled) watchers.push(poll(this.#job, this.#backend, { ...polled, spec, redact }, signal));
      if (streamed) {
        const alone = polled === null && spec.callback === undefined;
        watchers.push(follow(this.#job, this.#streams, this.#ctx, { ...streamed, alone, redact }, signal));
      }
      if (watchers.length === 0 && spec.callback === undefined)
        this.#fail('the kickoff named no address to poll: no http.poll_url_template and no Location header');
      return watchers.map((watcher) => watcher.catch((error: Error) => this.#fail(error.message)));
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
      return [];
    }
  }

  #pollPlace(): { url: URL; named: boolean } | null {
    const { poll_url_template: template, poll_run_id_path: path } = this.#ctx.spec;
    if (template !== undefined) {
      const url = this.#backend.place(template, this.#job.runId);
      if (url === null) throw new Error(`kickoff response has no run id at http.poll_run_id_path ${path}`);
      return { url, named: false };
    }
    const location = this.#kickoff?.head?.headers.location;
    return location === undefined ? null : { url: this.#backend.placeNamed(location), named: true };
  }

  #streamPlace(): { url: URL; named: boolean } | null {
    const { stream_url_path: path, stream_url_template: template } = this.#ctx.spec;
    const address = path === undefined ? undefined : valueAt(this.#document, path);
    if (typeof address === 'string') return { url: this.#backend.placeNamed(address), named: true };
    const url = template === undefined ? null : this.#backend.place(template, this.#job.runId);
    return url && { url, named: false };
  }

  /** News by callback: a state counts as in an answer to a poll; without one the poller looks. */
  #callback(body: unknown): void {
    if (!this.#job.hear(JSON.stringify(body ?? null))) this.#job.lookNow();
  }

  #fail(words: string): void {
    this.#job.fail(this.#redact(words));
  }

  /** Tell the backend that nobody waits any more. Bounded by the grace; its answer changes nothing. */
  async #cancel(): Promise<void> {
    const { cancel } = this.#ctx.spec;
    if (cancel === undefined || !this.#kickoff?.sent) return;
    try {
      const url = this.#backend.place(cancel.url_template, this.#job.runId);
      if (url === null) {
        this.#cancelled = 'not sent: the run id is unknown';
        return;
      }
      const taker = { head: () => false, data: () => {} };
      const { method = 'POST' } = cancel;
      const { head, error } = await this.#backend.call(url, { method }, taker, this.#graceOver.signal);
      this.#cancelled = head ? statusWords(head) : `failed: ${error ? failureWords(error) : ''}`;
    } catch (error) {
      this.#cancelled = `not sent: ${error instanceof Error ? error.message : error}`;
    }
  }

  #outcome(verdict: Verdict): RunnerOutcome {
    const { spec, invocation, directory } = this.#ctx;
    const job = this.#job;
    const sent = this.#kickoff?.sent ?? false;
    if (verdict.kind === 'terminal' && !job.streamed) this.#writeOutput(verdict.document);
    const payload = job.lastPayload;
    const facts = {
      started: sent,
      retrySafe: !(this.#kickoff?.unsafeSent ?? false),
      timeoutSummary: `${this.#document === undefined && !this.#kickoff?.head ? 'kickoff' : 'poll'} exceeded timeout of ${invocation.timeout_seconds} s`,
      artifacts:
        payload === undefined
          ? []
          : [
              keepText(directory, this.#redact(payload), {
                id: 'final_payload',
                kind: 'http_payload',
                description: 'last answer of the backend',
                mediaType: 'application/json',
              }),
            ],
      metadata: this.#metadata(),
    };
    if (verdict.kind !== 'terminal')
      return {
        ...facts,
        ended: this.#kickoff?.head ? 'responded' : sent ? 'lost' : 'never_started',
        exitCode: this.#kickoff?.head && verdict.kind === 'failed' ? 1 : null,
        success: false,
        errorSummary: verdict.kind === 'failed' ? verdict.words : null,
      };
    const { state, document } = verdict;
    const success = (spec.poll_success_states ?? ['completed']).includes(state);
    const why = spec.error_path === undefined ? undefined : wordAt(document, spec.error_path);
    return {
      ...facts,
      ended: 'completed',
      exitCode: success ? 0 : 1,
      success,
      ...(CANCELLED.has(state.toLowerCase()) && !success ? { completion: 'cancelled' as const } : {}),
      errorSummary: success
        ? null
        : this.#redact(`backend reported terminal status: ${state}${why ? `: ${preview(why, 500)}` : ''}`),
    };
  }

  /** The result as stdout: text as it is, a list of texts joined, anything else as JSON. */
  #writeOutput(document: unknown): void {
    const { spec, output } = this.#ctx;
    const value = spec.output_path === undefined ? undefined : valueAt(document, spec.output_path);
    let text = this.#job.lastPayload ?? '';
    if (spec.output_path !== undefined) {
      if (value === undefined || value === null) text = '';
      else if (typeof value === 'string') text = value;
      else if (Array.isArray(value) && value.every((item) => typeof item === 'string')) text = value.join('');
      else text = JSON.stringify(value);
    }
    if (text !== '') output.write('stdout', Buffer.from(text));
  }

  #metadata(): Record<string, string> {
    const { runId, lastState, polls } = this.#job;
    return Object.fromEntries(
      Object.entries({
        run_id: runId,
        last_state: lastState === undefined ? undefined : this.#redact(lastState),
        polls: String(polls),
        cancel: this.#cancelled ?? undefined,
      }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
  }
}
