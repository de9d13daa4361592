import type { RunContext } from '../../src/contract/context.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { AddressGuard } from '../../src/outbound/address-guard.ts';
import { openConnections } from '../../src/outbound/connections.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { withMetadata } from '../wire/metadata.ts';
import { buildRequest } from '../wire/request.ts';
import { PLACEHOLDERS, PLACEHOLDERS_IN_METADATA, VERBATIM } from '../wire/spec.ts';
import { checkTemplates } from './backend.ts';
import { kickoffSpec } from './kickoff-request.ts';
import { JOB_KEYS } from './metadata.ts';
import { PRESETS } from './preset-list.ts';
import { recoverJob } from './recover.ts';
import { runJob } from './run.ts';
import { completeAsyncSpec, HttpAsyncSpec, missingFields } from './spec.ts';
import { type BackendConnections, jobTools } from './tools.ts';

/** Thousands of runs poll in turns over so many connections to one backend. */
const CONNECTIONS_PER_ORIGIN = 256;

export interface HttpAsyncParts {
  guard: AddressGuard;
  secrets: Secrets;
}

/** A job of an HTTP service: started by one request, watched until it ends. See docs/runners/http-async.md. */
export function httpAsyncRunner({ guard, secrets }: HttpAsyncParts): Runner<HttpAsyncSpec> {
  const shared = {
    calls: openConnections(guard, {}, CONNECTIONS_PER_ORIGIN),
    streams: openConnections(guard),
  };
  return {
    kind: 'http_async',
    rxpKind: 'http_async',
    aliases: ['async_http', 'async-http'],
    name: 'HTTP job',
    description: 'A request that starts a job of another service, which is then polled to its end.',
    spec: HttpAsyncSpec,
    verbatim: VERBATIM,
    placeholders: PLACEHOLDERS,
    placeholdersInMetadata: PLACEHOLDERS_IN_METADATA,
    given: { by: 'address' },
    seenAt: () => null,
    needsCommand: false,
    usesDirectory: () => false,
    takesFiles: 'named',
    captures: true,
    places: 'calls',
    parse(invocation) {
      const spec = completeAsyncSpec(withMetadata(invocation, 'http_async', JOB_KEYS), PRESETS);
      const missing = missingFields(spec);
      if (missing.length > 0) throw new Rejected(`missing ${missing.join(', ')}`);
      if (spec.callback?.body_field !== undefined && spec.body === undefined && invocation.input_payload_path)
        throw new Rejected('http.callback.body_field needs http.body, not input_payload_path');
      buildRequest(kickoffSpec(spec, { callbackUrl: 'https://callback.invalid/', id: 'id' }), { secrets });
      checkTemplates(spec, secrets);
      return spec;
    },
    run: (ctx) => withConnections(ctx, (connections) => runJob(jobTools(ctx, connections, secrets))),
    recover: (ctx) => withConnections(ctx, (connections) => recoverJob(jobTools(ctx, connections, secrets))),
  };

  /** Runs with TLS rules of their own share no connection with others. */
  async function withConnections<Result>(
    { spec }: RunContext<HttpAsyncSpec>,
    use: (connections: BackendConnections) => Promise<Result>,
  ): Promise<Result> {
    if (spec.tls === undefined) return use(shared);
    const own = openConnections(guard, spec.tls);
    try {
      return await use({ calls: own, streams: own });
    } finally {
      own.close();
    }
  }
}
