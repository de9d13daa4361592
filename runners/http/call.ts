import type { RunContext } from '../../src/contract/context.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import type { FailureReason } from '../../src/documents/failure.ts';
import { traceOfVariables } from '../../src/documents/trace-context.ts';
import { type AnswerHead, singleOrNone } from '../../src/outbound/answer-head.ts';
import type { Connections } from '../../src/outbound/connections.ts';
import { failureWords, statusWords } from '../../src/outbound/failure.ts';
import { masked, maskedBeginning } from '../../src/outbound/masking.ts';
import { isDenied, type Journey, NotFollowed, travel } from '../../src/outbound/redirect.ts';
import type { SecretForm } from '../../src/outbound/secret-forms.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { waitMs } from '../../src/outbound/wait.ts';
import { shortageOf } from '../../src/platform/shortage.ts';
import { nap } from '../../src/platform/timer.ts';
import { formsOfAddresses } from '../wire/addresses.ts';
import { keepCapture, keepEach, keepText, mediaTypeOf } from '../wire/artifact.ts';
import type { FileToSend } from '../wire/body.ts';
import { preview } from '../wire/json.ts';
import { buildRequest } from '../wire/request.ts';
import { formsOfSecret } from '../wire/secrets.ts';
import type { HttpSpec, RETRY_ON } from '../wire/spec.ts';
import type { SavedAnswer } from './saved-answer.ts';

/** Files of the working directory that take part in a call. */
export interface CallFiles {
  /** What is sent. Null: the body of the spec. */
  body: FileToSend | null;
  /** Where the answer goes too. Null: nowhere. */
  saved: SavedAnswer | null;
}

/** Of a failed answer's body so much is looked at for the summary. */
const PREVIEW_BYTES = 1024;

/** One run of kind http: the attempts, the capture and what is told of them. */
export class HttpCall {
  readonly #ctx: RunContext<HttpSpec>;
  readonly #connections: Connections;
  readonly #secrets: Secrets;
  readonly #files: CallFiles;
  /** Of the secret, and of addresses of this server. */
  readonly #forms: readonly SecretForm[];
  #attempt = 0;
  #sent = false;
  #unsafeSent = false;
  #beginning = Buffer.alloc(0);
  #firstByteMs: number | undefined;

  constructor(
    ctx: RunContext<HttpSpec>,
    { connections, secrets, ...files }: CallFiles & { connections: Connections; secrets: Secrets },
  ) {
    this.#ctx = ctx;
    this.#files = files;
    this.#connections = connections;
    this.#secrets = secrets;
    this.#forms = [...formsOfSecret(ctx.spec.auth, secrets), ...formsOfAddresses(ctx)];
  }

  async run(): Promise<RunnerOutcome> {
    const began = performance.now();
    for (;;) {
      this.#attempt++;
      const journey = await this.#try(began);
      const wait = this.#ctx.signal.aborted ? null : this.#waitBeforeNext(journey);
      if (wait === null) return this.#outcome(journey, began, await this.#save(journey));
      const why = journey.head ? statusWords(journey.head) : failureWords(journey.error ?? new Error());
      this.#ctx.output.progress({
        message: this.#redact(`attempt ${this.#attempt}: ${why}; next in ${Math.round(wait) / 1000} s`),
        data: { attempt: this.#attempt, status: journey.head?.status ?? null, wait_ms: Math.round(wait) },
      });
      await nap(wait, this.#ctx.signal);
      if (this.#ctx.signal.aborted) return this.#outcome(journey, began, null);
    }
  }

  #redact(text: string): string {
    return masked(text, this.#forms);
  }

  async #try(began: number): Promise<Journey> {
    const { spec, signal, output, inputPath, environment } = this.#ctx;
    const request = buildRequest(spec, {
      secrets: this.#secrets,
      inputPath,
      file: this.#files.body,
      trace: traceOfVariables(environment),
    });
    const { saved } = this.#files;
    const taker = {
      head: (head: AnswerHead) => {
        this.#firstByteMs ??= performance.now() - began;
        if (this.#expected(head.status)) saved?.begin();
        return this.#retryReason(head.status) === null;
      },
      data: (chunk: Buffer) => {
        if (this.#beginning.length < PREVIEW_BYTES)
          this.#beginning = Buffer.concat([this.#beginning, chunk.subarray(0, PREVIEW_BYTES)]);
        output.write('stdout', chunk);
        saved?.write(chunk);
      },
    };
    const journey = await travel(this.#connections, request, taker, signal, spec.follow_redirects);
    this.#sent ||= journey.sent;
    this.#unsafeSent ||= journey.unsafeSent;
    if (isDenied(journey.error) && !this.#sent)
      throw new Rejected(`http.url: ${journey.error?.message ?? 'not allowed'}`);
    return journey;
  }

  /** Why the answer is not where it was to be saved, in words; null: it is, or was not to be. */
  async #save(journey: Journey): Promise<string | null> {
    const { saved } = this.#files;
    if (saved !== null && this.#isSuccess(journey)) return saved.keep();
    saved?.drop();
    return null;
  }

  #isSuccess({ head, error }: Journey): boolean {
    return head !== null && error === null && this.#expected(head.status);
  }

  /** Null: this was the last attempt. */
  #waitBeforeNext(journey: Journey): number | null {
    const reason = journey.head ? this.#retryReason(journey.head.status) : this.#connectRetry(journey);
    if (reason === null || (journey.head && journey.error)) return null;
    const firstMs = (this.#ctx.spec.retry?.backoff_seconds ?? 0.5) * 1000;
    return waitMs({ firstMs, factor: 2, maxMs: 60_000, jitter: 0.2 }, this.#attempt - 1, journey);
  }

  #connectRetry(journey: Journey): 'connect' | null {
    return journey.sent || isDenied(journey.error) ? null : this.#mayRetry('connect');
  }

  #retryReason(status: number): string | null {
    if (this.#expected(status)) return null;
    if (status === 429) return this.#mayRetry('429');
    return status >= 500 ? this.#mayRetry('5xx') : null;
  }

  #mayRetry<Reason extends (typeof RETRY_ON)[number]>(reason: Reason): Reason | null {
    const { retry } = this.#ctx.spec;
    if (retry === undefined || this.#attempt >= retry.attempts) return null;
    return retry.on === undefined || retry.on.includes(reason) ? reason : null;
  }

  #expected(status: number): boolean {
    return (this.#ctx.spec.expect ?? ['2xx']).some(
      (wanted) => wanted === status || wanted === `${Math.floor(status / 100)}xx`,
    );
  }

  #outcome(journey: Journey, began: number, unsaved: string | null): RunnerOutcome {
    const { head, error } = journey;
    const { timeout_seconds: seconds } = this.#ctx.invocation;
    const denied = isDenied(error);
    return {
      ended: denied ? 'rejected' : head ? 'responded' : this.#sent ? 'lost' : 'never_started',
      ...(denied && { completion: 'rejected' as const }),
      started: this.#sent,
      retrySafe: !this.#unsafeSent,
      exitCode: head?.status ?? null,
      failure: unsaved === null ? failureReason(journey) : 'output_lost',
      success: this.#isSuccess(journey) && unsaved === null,
      errorSummary: unsaved === null ? this.#summary(journey) : `http.save_as: ${unsaved}`,
      ...(seconds === null ? {} : { timeoutSummary: `the exchange exceeded its timeout of ${seconds} s` }),
      ...(head ? this.#artifacts(journey, head) : {}),
      timings: {
        run_ms: rounded(performance.now() - began),
        ...(this.#firstByteMs === undefined ? {} : { first_byte_ms: rounded(this.#firstByteMs) }),
      },
    };
  }

  #summary({ head, error, url }: Journey): string | null {
    if (error !== null) {
      const words = failureWords(error);
      if (head && error instanceof NotFollowed) return this.#redact(`${statusWords(head)}: ${error.message}`);
      if (head) return this.#redact(`${statusWords(head)}, then the answer broke off: ${words}`);
      return this.#redact(`${url.origin}: ${words}`);
    }
    if (head === null || this.#expected(head.status)) return null;
    const beginning = this.#beginning.toString('utf8');
    const cut = this.#beginning.length < this.#ctx.output.captured('stdout').bytes;
    const text = preview(cut ? maskedBeginning(beginning, this.#forms) : this.#redact(beginning));
    return `${this.#redact(statusWords(head))}${text === '' ? '' : `: ${text}`}`;
  }

  #artifacts({ url, redirects, error }: Journey, { status, statusText, headers }: AnswerHead) {
    const { directory, output } = this.#ctx;
    const captured = output.captured('stdout');
    const response = {
      status,
      status_text: statusText,
      url: url.href,
      headers,
      redirects,
      attempts: this.#attempt,
      body: { artifact_id: 'body', bytes: captured.bytes, kept: captured.kept, complete: error === null },
    };
    return keepEach({
      response: (id) =>
        keepText(directory, this.#redact(`${JSON.stringify(response, null, 2)}\n`), {
          id,
          kind: 'http_response',
          description: 'status, headers and final URL of the response',
          mediaType: 'application/json',
        }),
      body: (id) =>
        keepCapture(directory, captured, {
          id,
          kind: 'http_body',
          description: 'body of the response',
          mediaType: mediaTypeOf(this.#redact(singleOrNone({ headers }, 'content-type') ?? '')),
        }),
    });
  }
}

/** Undefined: what `ended` says is all. */
function failureReason({ head, error, sent }: Journey): FailureReason | undefined {
  if (error === null || error instanceof NotFollowed) return undefined;
  if (head !== null) return 'broken_off';
  return sent || shortageOf(error) === null ? undefined : 'shortage';
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
