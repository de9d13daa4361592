import type { RunContext } from '../../src/contract/context.ts';
import { endingOf, noteEnding } from '../../src/contract/ending-note.ts';
import { type AbortReason, Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import { AddressDenied } from '../../src/outbound/address-guard.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { messageOf } from '../../src/platform/error-words.ts';
import { nap, Timer } from '../../src/platform/timer.ts';
import type { AnswerHead, Connections } from '../wire/client.ts';
import { failureWords, statusWords } from '../wire/failure.ts';
import { parseJson, preview, valueAt, wordAt } from '../wire/json.ts';
import { redactor } from '../wire/secrets.ts';
import { Backend } from './backend.ts';
import { callbackOf, noteCallback } from './callback-note.ts';
import { follow } from './follow.ts';
import { BackendJob } from './job.ts';
import { fromRecord, type Place, readJobRecord, toRecord, writeJobRecord } from './job-record.ts';
import { sendKickoff } from './kickoff.ts';
import { jobOutcome } from './outcome.ts';
import { poll } from './poll.ts';
import type { HttpAsyncSpec } from './spec.ts';
import { StreamPlace } from './stream-place.ts';

/** A cancel call gets at least so long. */
const SHORTEST_GRACE_MS = 200;
/** A stream is read on after the end of its job until it ends, is quiet for so long, or goes on for too long. */
const DRAIN_QUIET_MS = 250;
const DRAIN_MOST_MS = 5000;

export interface BackendConnections {
  calls: Connections;
  streams: Connections;
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
  readonly #grace = new Timer();
  /** What a callback to an earlier server said, that ends the job. */
  #heard: string | null = null;

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

  /** Go on with a job that an earlier server started. What comes meanwhile waits until all that it wrote is read. */
  async recover(): Promise<RunnerOutcome> {
    const earlier = this.#readEarlier();
    this.#ctx.offer({ callback: (body) => earlier.then(() => this.#callback(body)) });
    const ending = await earlier;
    return ending ?? this.#attend(() => this.#takeUp());
  }

  /** How it ended, where that is known. */
  async #readEarlier(): Promise<RunnerOutcome | null> {
    let ending: RunnerOutcome | null = null;
    await this.#ctx.resumeOutput((note) => {
      ending = endingOf(note) ?? ending;
      this.#heard = callbackOf(note) ?? this.#heard;
      this.#place.recall(note);
    });
    this.#place.takeUp();
    return ending;
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
      const outcome = jobOutcome(this.#ctx, this.#job, verdict, { ...this.#facts, redact: this.#redact });
      // A later server would ask again, and might be told something else, or nothing.
      noteEnding(this.#ctx.output, outcome);
      return outcome;
    } finally {
      this.#grace.clear();
      signal.removeEventListener('abort', aborted);
      this.#enough.abort();
      this.#streamOver.abort();
      this.#graceOver.abort();
    }
  }

  #setGrace(graceMs: number): void {
    this.#grace.set(Math.max(graceMs, SHORTEST_GRACE_MS), () => this.#graceOver.abort());
  }

  async #kickOff(again = false) {
    const stop = new AbortController();
    // A kickoff under way when the run is aborted may still name the job that has to be cancelled.
    void this.#job.verdict.then(({ kind }) => {
      if (kind !== 'aborted' || this.#ctx.spec.cancel === undefined) stop.abort();
    });
    this.#graceOver.signal.addEventListener('abort', () => stop.abort(), { once: true });
    const { spec, signal: aborted } = this.#ctx;
    const kickoff = { spec, again, aborted, stop: stop.signal };
    const { journey, text } = await sendKickoff(this.#backend, kickoff);
    const { head, error, sent, unsafeSent } = journey;
    this.#facts.answered = head !== null;
    this.#facts.sent ||= sent;
    this.#facts.unsafeSent ||= unsafeSent;
    if (error instanceof AddressDenied && !this.#facts.sent) throw new Rejected(`http.url: ${error.message}`);
    if (stop.signal.aborted) return null;
    if (head && ![200, 201, 202].includes(head.status))
      this.#fail(`kickoff expected HTTP 202 or 200, got ${statusWords(head)}`, text);
    else if (error !== null || head === null)
      this.#fail(`kickoff: ${failureWords(error ?? new Error('no answer'))}`);
    else return this.#accepted(text, head);
    return null;
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
      this.#fail(messageOf(error));
      return null;
    }
  }

  async #takeUp() {
    const record = readJobRecord(this.#ctx.directory);
    if (record !== null) this.#job.takeUp(record);
    if (this.#heard !== null && this.#job.hear(this.#heard)) {
      Object.assign(this.#facts, { answered: true, sent: true, unsafeSent: true });
      return record && { poll: null, stream: fromRecord(record.stream) };
    }
    if (record === null) return this.#kickOffAgain();
    Object.assign(this.#facts, { answered: true, sent: true, unsafeSent: true });
    const { poll, stream } = record;
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
      watcher.catch((error: unknown) => this.#fail(messageOf(error)));
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
    const text = JSON.stringify(body ?? null);
    const state = this.#job.stateOf(body);
    if (state !== undefined && this.#job.isTerminal(state))
      noteCallback(this.#ctx.output, this.#redact(text));
    if (!this.#job.hear(text)) this.#job.sleepers.wake();
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
      this.#facts.cancelled = `not sent: ${messageOf(error)}`;
    }
  }
}
