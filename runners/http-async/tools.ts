import type { RunContext } from '../../src/contract/context.ts';
import type { Connections } from '../../src/outbound/connections.ts';
import { Masking, masked } from '../../src/outbound/masking.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { formsOfAddresses } from '../wire/addresses.ts';
import { preview } from '../wire/json.ts';
import { formsOfSecret } from '../wire/secrets.ts';
import { Backend } from './backend.ts';
import { BackendJob } from './job.ts';
import type { HttpAsyncSpec } from './spec.ts';
import { StreamPlace } from './stream-place.ts';

export interface BackendConnections {
  calls: Connections;
  streams: Connections;
}

/** What is at hand for one run. */
export interface JobTools {
  ctx: RunContext<HttpAsyncSpec>;
  /** For calls with a short answer. */
  backend: Backend;
  /** For streams, which keep their connection. */
  streams: Backend;
  job: BackendJob;
  /** How far the stream was taken. */
  place: StreamPlace;
  /** Takes the secret, and addresses of this server, out of what is told. */
  redact: (text: string) => string;
  /** The same for the output that the stream brings piece by piece. */
  masking: Masking;
}

export function jobTools(
  ctx: RunContext<HttpAsyncSpec>,
  { calls, streams }: BackendConnections,
  secrets: Secrets,
): JobTools {
  const forms = [...formsOfSecret(ctx.spec.auth, secrets), ...formsOfAddresses(ctx)];
  // What is told is text that UTF-8 has bytes for.
  const redact = (text: string): string => masked(text, forms).toWellFormed();
  return {
    ctx,
    backend: new Backend(ctx, calls, secrets),
    streams: new Backend(ctx, streams, secrets),
    job: new BackendJob(ctx, redact, () => new Masking(forms)),
    place: new StreamPlace(ctx.output),
    redact,
    masking: new Masking(forms),
  };
}

/** The job has failed. `answer`: what the backend said. */
export function fail({ job, redact }: JobTools, words: string, answer = ''): void {
  const text = preview(redact(answer));
  job.fail(redact(words) + (text && `: ${text}`));
}
