import { AddressDenied } from '../../src/address-guard.ts';
import { type AbortReason, Rejected, type RunContext, type RunnerOutcome } from '../../src/runner.ts';
import type { Secrets } from '../../src/secrets.ts';
import type { HttpAsyncSpec } from './http-async-spec.ts';
import { Backend } from './http-backend.ts';
import type { AnswerHead, Connections } from './http-client.ts';
import { failureWords, statusWords } from './http-failure.ts';
import { follow } from './http-follow.ts';
import { BackendJob } from './http-job.ts';
import { jobOutcome } from './http-job-outcome.ts';
import { readJobRecord, writeJobRecord } from './http-job-record.ts';
import { parseJson, preview, TextTaker, valueAt, wordAt } from './http-json.ts';
import { backoffOf, poll, TRANSIENT, transientLimit } from './http-poll.ts';
import { redactor } from './http-secrets.ts';
import { StreamPlace } from './http-stream-place.ts';
import { backoffMs, nap, retryAfterMs } from './http-wait.ts';

/** A cancel call gets at least so long. */
const SHORTEST_GRACE_MS = 200;
/** A stream is read on after the end of its job until it ends, is quiet for so long, or goes on for too long. */
const DRAIN_QUIET_MS = 250;
const DRAIN_MOST_MS = 5000;
const LONGEST_GRACE_MS = 2 ** 31 - 1;
/** 409: the first one with this idempotency key is still being looked at. */
const PASSING: ReadonlySet<number> = new Set([...TRANSIENT, 409]);

export interface BackendConnections {
  calls: Connections;
  streams: Connections;
}

/** Where to ask, and whether the backend or the invocation named that address. */
interface Place {
  url: URL;
  named: boolean;
}

interface Watchers {
  polled: Promise<void> | null;
  streamed: Promise<void> | null;
}
const NOTHING: Watchers = { polled: null, streamed: null };

/** One run of kind http_async: kickoff, watch, and the end. */
export class BackendRun {
  readonly #ctx: RunContext<HttpAsyncSpec>;
  readonly #backend: Backend;
  readonly #streams: Backend;
  readonly #redact: (text: string) => string;
  readonly #job: BackendJob;
  readonly #place: StreamPlace;
  /** Aborts when there is a verdict: nothing more is asked. */
  readonly #enough = new AbortController();
  /** Aborts when nothing more of the stream is wanted. */
  readonly #streamOver = new AbortController();
  /** Aborts when the grace after a cancel or timeout is over. */
  readonly #graceOver = new AbortController();
  readonly #facts: { answered: boolean; sent: boolean; unsafeSent: boolean; cancelled: string | null };
  #graceTimer: NodeJS.Timeout | undefined;

  constructor(ctx: RunContext<HttpAsyncSpec>, { calls, streams }: BackendConnections, secrets: Secrets) {
    this.#ctx = ctx;
    this.#backend = new Backend(ctx, calls, secrets);
    this.#streams = new Backend(ctx, streams, secrets);
    this.#redact = redactor(ctx.spec.auth, secrets);
    this.#job = new BackendJob(ctx, this.#redact);
    this.#place = new StreamPlace(ctx.output);
    this.#facts = { answered: false, sent: false, unsafeSent: false, cancelled: null };
  }

  run(): Promise<RunnerOutcome> {
    return this.#attend(() => this.#kickOff());
  }

  /** Go on with a job that an earlier server started. */
  async recover(): Promise<RunnerOutcome> {
    await this.#ctx.resumeOutput((note) => this.#place.recall(note));
    this.#place.takeUp();
    return this.#attend(() => this.#takeUp());
  }

  /** `start` gives the places to watch, or null when there is nothing to watch. */
  async #attend(start: () => Promise<{ poll: Place | null; stream: Place | null } | null>) {
    const { signal } = this.#ctx;
    const aborted = (): void => {
      this.#setGrace((signal.reason as AbortReason).graceMs);
      this.#job.abort();
    };
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    this.#ctx.offer({
      callback: async (body) => this.#callback(body),
      hasten: (graceMs) => this.#setGrace(graceMs),
    });
    try {
      const places = await start();
      const { polled, streamed } = places && !signal.aborted ? this.#watch(places) : NOTHING;
      const verdict = await this.#job.verdict;
      this.#enough.abort();
      if (verdict.kind === 'terminal') await this.#drain(streamed);
      this.#streamOver.abort();
      await Promise.all([polled, streamed]);
      if (verdict.kind === 'aborted') await this.#cancel();
      return jobOutcome(this.#ctx, this.#job, verdict, { ...this.#facts, redact: this.#redact });
    } finally {
      clearTimeout(this.#graceTimer);
      signal.removeEventListener('abort', aborted);
      this.#enough.abort();
      this.#streamOver.abort();
      this.#graceOver.abort();
    }
  }

  #setGrace(graceMs: number): void {
    clearTimeout(this.#graceTimer);
    const ms = Math.min(Math.max(graceMs, SHORTEST_GRACE_MS), LONGEST_GRACE_MS);
    this.#graceTimer = setTimeout(() => this.#graceOver.abort(), ms);
  }

  /** `again`: an earlier server may have sent it, so that it is tried as patiently as a poll. */
  async #kickOff(again = false) {
    const stop = new AbortController();
    // A kickoff under way when the run is aborted may still name the job that has to be cancelled.
    void this.#job.verdict.then(({ kind }) => {
      if (kind !== 'aborted' || this.#ctx.spec.cancel === undefined) stop.abort();
    });
    this.#graceOver.signal.addEventListener('abort', () => stop.abort(), { once: true });
    for (let left = again ? transientLimit(this.#ctx.spec) : 0, waits = 0; ; left--, waits++) {
      const taker = new TextTaker();
      const { head, error, sent, unsafeSent } = await this.#backend.kickoff(taker, stop.signal);
      this.#facts.answered ||= head !== null;
      this.#facts.sent ||= sent;
      this.#facts.unsafeSent ||= unsafeSent;
      if (error instanceof AddressDenied && !this.#facts.sent)
        throw new Rejected(`http.url: ${error.message}`);
      if (stop.signal.aborted) return null;
      if (head && error === null && [200, 201, 202].includes(head.status))
        return this.#accepted(taker.text(), head);
      const transient = head ? PASSING.has(head.status) : !(error instanceof AddressDenied);
      if (left <= 0 || !transient || this.#ctx.signal.aborted) {
        this.#kickOffFailed(head, error, taker.text());
        return null;
      }
      const asked = retryAfterMs(head?.headers['retry-after']);
      await nap(Math.max(backoffMs(backoffOf(this.#ctx.spec), waits), asked), this.#ctx.signal);
    }
  }

  #kickOffFailed(head: AnswerHead | null, error: Error | null, text: string): void {
    if (head && ![200, 201, 202].includes(head.status))
      this.#fail(`kickoff expected HTTP 202 or 200, got ${statusWords(head)}`, text);
    else this.#fail(`kickoff: ${failureWords(error ?? new Error('no answer'))}`);
  }

  /** What the kickoff's answer says of the job, and where to look for more. */
  #accepted(text: string, head: AnswerHead) {
    const { poll_run_id_path: idPath } = this.#ctx.spec;
    const document = parseJson(text);
    if (idPath !== undefined) this.#job.runId = wordAt(document, idPath);
    const state = this.#job.stateOf(document);
    // 202 says that it goes on, whatever the state.
    if (state !== undefined && !(head.status === 202 && this.#job.isTerminal(state))) this.#job.hear(text);
    try {
      const poll = this.#pollPlace(head);
      const stream = this.#streamPlace(document);
      this.#job.remember = (facts) =>
        writeJobRecord(this.#ctx.directory, { ...facts, poll: toRecord(poll), stream: toRecord(stream) });
      this.#job.save();
      return { poll, stream };
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  async #takeUp() {
    const record = readJobRecord(this.#ctx.directory);
    if (record === null) return this.#kickOffAgain();
    Object.assign(this.#facts, { answered: true, sent: true, unsafeSent: true });
    const { poll, stream } = record;
    this.#job.takeUp(record);
    this.#job.remember = (facts) => writeJobRecord(this.#ctx.directory, { ...facts, poll, stream });
    if (poll === null) this.#ctx.goesOn();
    return { poll: fromRecord(poll), stream: fromRecord(stream) };
  }

  /** Nobody knows whether the kickoff arrived: only a backend that knows it again may get it twice. */
  async #kickOffAgain() {
    Object.assign(this.#facts, { sent: true, unsafeSent: true });
    if (this.#ctx.spec.idempotency_header !== undefined) {
      this.#ctx.goesOn();
      return this.#kickOff(true);
    }
    this.#fail('the server that ran it is gone, and it is not known whether the backend took the job');
    return null;
  }

  #watch({ poll: polled, stream }: { poll: Place | null; stream: Place | null }): Watchers {
    const { spec } = this.#ctx;
    const redact = this.#redact;
    const goesOn = (): void => this.#ctx.goesOn();
    const guarded = (watcher: Promise<void>): Promise<void> =>
      watcher.catch((error: unknown) => this.#fail(error instanceof Error ? error.message : String(error)));
    const alone = polled === null && spec.callback === undefined;
    if (alone && stream === null)
      this.#fail('the kickoff named no address to poll: no http.poll_url_template and no Location header');
    const enough = this.#enough.signal;
    return {
      polled:
        polled &&
        guarded(poll(this.#job, this.#backend, { ...polled, spec, redact, goesOn }, this.#enough.signal)),
      streamed:
        stream &&
        guarded(
          follow(
            this.#job,
            this.#streams,
            this.#ctx,
            { ...stream, alone, redact, place: this.#place, enough },
            this.#streamOver.signal,
          ),
        ),
    };
  }

  /** The job is over; what it wrote last may still be on its way. */
  async #drain(streamed: Promise<void> | null): Promise<void> {
    if (streamed === null) return;
    let ended = false;
    void streamed.then(() => {
      ended = true;
    });
    const begin = performance.now();
    const { signal } = this.#ctx;
    const quiet = (): number => performance.now() - Math.max(begin, this.#job.streamedAt);
    while (!ended && quiet() < DRAIN_QUIET_MS && performance.now() - begin < DRAIN_MOST_MS && !signal.aborted)
      await Promise.race([streamed, nap(DRAIN_QUIET_MS - quiet(), signal)]);
  }

  #pollPlace({ headers: { location } }: AnswerHead): Place | null {
    const { poll_url_template: template, poll_run_id_path: path } = this.#ctx.spec;
    if (template !== undefined) {
      const url = this.#backend.place(template, this.#job.runId);
      if (url === null) throw new Error(`kickoff response has no run id at http.poll_run_id_path ${path}`);
      return { url, named: false };
    }
    return location === undefined ? null : { url: this.#backend.placeNamed(location), named: true };
  }

  #streamPlace(document: unknown): Place | null {
    const { stream_url_path: path, stream_url_template: template } = this.#ctx.spec;
    const address = path === undefined ? undefined : valueAt(document, path);
    if (typeof address === 'string') return { url: this.#backend.placeNamed(address), named: true };
    const url = template === undefined ? null : this.#backend.place(template, this.#job.runId);
    return url && { url, named: false };
  }

  /** News by callback: a state counts as in an answer to a poll; without one the poller looks. */
  #callback(body: unknown): void {
    if (!this.#job.hear(JSON.stringify(body ?? null))) this.#job.lookNow();
  }

  #fail(words: string, answer = ''): void {
    const text = preview(this.#redact(answer));
    this.#job.fail(this.#redact(words) + (text && `: ${text}`));
  }

  /** Tell the backend that nobody waits any more. Bounded by the grace; its answer changes nothing. */
  async #cancel(): Promise<void> {
    const { cancel } = this.#ctx.spec;
    if (cancel === undefined || !this.#facts.sent) return;
    try {
      const url = this.#backend.place(cancel.url_template, this.#job.runId);
      if (url === null) throw new Error('the run id is unknown');
      const taker = { head: () => false, data: () => {} };
      const { method = 'POST' } = cancel;
      const { head, error } = await this.#backend.call(url, { method }, taker, this.#graceOver.signal);
      this.#facts.cancelled = head
        ? statusWords(head)
        : `failed: ${error ? failureWords(error) : 'no answer'}`;
    } catch (error) {
      this.#facts.cancelled = `not sent: ${error instanceof Error ? error.message : error}`;
    }
  }
}

function toRecord(place: Place | null) {
  return place && { url: place.url.href, named: place.named };
}

function fromRecord(place: { url: string; named: boolean } | null): Place | null {
  return place && { url: new URL(place.url), named: place.named };
}
