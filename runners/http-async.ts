import type { AddressGuard } from '../src/address-guard.ts';
import { Rejected, type Runner } from '../src/runner.ts';
import type { Secrets } from '../src/secrets.ts';
import { completeAsyncSpec, HttpAsyncSpec, missingFields } from './lib/http-async-spec.ts';
import { checkTemplates, withCallback } from './lib/http-backend.ts';
import { BackendRun } from './lib/http-backend-run.ts';
import { openConnections } from './lib/http-client.ts';
import { withMetadata } from './lib/http-metadata.ts';
import { PRESETS } from './lib/http-presets.ts';
import { buildRequest } from './lib/http-request.ts';

/** Thousands of runs poll in turns over so many connections to one backend. */
const CONNECTIONS_PER_ORIGIN = 256;

export interface HttpAsyncRunnerOptions {
  guard: AddressGuard;
  secrets: Secrets;
}

/** A job of an HTTP service: started by one request, watched until it ends. See docs/runners/http-async.md. */
export function httpAsyncRunner({ guard, secrets }: HttpAsyncRunnerOptions): Runner<HttpAsyncSpec> {
  const shared = {
    calls: openConnections(guard, {}, CONNECTIONS_PER_ORIGIN),
    streams: openConnections(guard),
  };
  return {
    kind: 'http_async',
    name: 'HTTP job',
    description: 'A request that starts a job of another service, which is then polled to its end.',
    spec: HttpAsyncSpec,
    needsCommand: false,
    captures: true,
    parse(invocation) {
      const spec = completeAsyncSpec(withMetadata(invocation, 'http_async'), PRESETS);
      const missing = missingFields(spec);
      if (missing.length > 0) throw new Rejected(`missing ${missing.join(', ')}`);
      if (spec.callback?.body_field !== undefined && spec.body === undefined && invocation.input_payload_path)
        throw new Rejected('http.callback.body_field needs http.body, not input_payload_path');
      buildRequest(withCallback(spec, 'https://callback.invalid/'), { secrets });
      checkTemplates(spec, secrets);
      return spec;
    },
    async run(ctx) {
      if (ctx.spec.tls === undefined) return new BackendRun(ctx, shared, secrets).run();
      const own = openConnections(guard, ctx.spec.tls);
      try {
        return await new BackendRun(ctx, { calls: own, streams: own }, secrets).run();
      } finally {
        own.agent.destroy().catch(() => {});
      }
    },
  };
}
