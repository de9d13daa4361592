import type { RunContext } from '../../src/contract/context.ts';
import { earlierEnding, noteEnding } from '../../src/contract/ending-note.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { PrivatePlaces } from '../../src/disk/private-places.ts';
import type { AddressGuard } from '../../src/outbound/address-guard.ts';
import { openConnections } from '../../src/outbound/connections.ts';
import { isSafe } from '../../src/outbound/redirect.ts';
import type { Secrets } from '../../src/outbound/secrets.ts';
import { REQUEST_KEYS, withMetadata } from '../wire/metadata.ts';
import { buildRequest } from '../wire/request.ts';
import { checkSpec, HttpSpec, PLACEHOLDERS, PLACEHOLDERS_IN_METADATA, VERBATIM } from '../wire/spec.ts';
import { HttpCall } from './call.ts';
import { openInner, workTree } from './inner-file.ts';
import { SavedAnswer } from './saved-answer.ts';

export interface HttpParts {
  guard: AddressGuard;
  secrets: Secrets;
  places: PrivatePlaces;
}

/** One HTTP request; its answer's body is the output. See docs/runners/http.md. */
export function httpRunner({ guard, secrets, places }: HttpParts): Runner<HttpSpec> {
  const shared = openConnections(guard);
  return {
    kind: 'http',
    rxpKind: 'http',
    name: 'HTTP',
    description: 'One HTTP request; its answer is captured as it comes.',
    spec: HttpSpec,
    verbatim: VERBATIM,
    placeholders: PLACEHOLDERS,
    placeholdersInMetadata: PLACEHOLDERS_IN_METADATA,
    given: { by: 'address' },
    seenAt: () => null,
    needsCommand: false,
    usesDirectory: ({ body_file, save_as }) => body_file !== undefined || save_as !== undefined,
    takesFiles: 'named',
    captures: true,
    places: 'calls',
    parse(invocation) {
      const spec = checkSpec(HttpSpec, withMetadata(invocation, 'http', REQUEST_KEYS), 'http');
      if (spec.url === undefined || spec.url === '') throw new Rejected('missing http.url');
      buildRequest(spec, { secrets });
      return spec;
    },
    async run(ctx) {
      if (ctx.spec.tls === undefined) return call(ctx, shared);
      const own = openConnections(guard, ctx.spec.tls);
      try {
        return await call(ctx, own);
      } finally {
        own.close();
      }
    },
    // Nobody heard the answer, or all of it. Redirects make no method unsafe.
    async recover(ctx) {
      sweep(ctx);
      const ending = await earlierEnding(ctx);
      if (ending !== null) return ending;
      const { method = 'POST' } = ctx.spec;
      return {
        ended: 'lost',
        started: true,
        retrySafe: isSafe(method),
        exitCode: null,
        success: false,
        errorSummary: 'the server stopped while the request was under way: how it was answered is not known',
      };
    },
  };

  async function call(ctx: RunContext<HttpSpec>, connections: typeof shared): Promise<RunnerOutcome> {
    const { body_file } = ctx.spec;
    const body =
      body_file === undefined ? null : openInner(workTree(ctx, places), body_file, 'http.body_file');
    try {
      const parts = { connections, secrets, body, saved: savedAnswer(ctx) };
      const outcome = await new HttpCall(ctx, parts).run();
      // Somebody may see the file before the result is stored: it must not turn out otherwise.
      if (ctx.invocation.output_result_path !== null) noteEnding(ctx.output, outcome);
      return outcome;
    } finally {
      body?.close();
    }
  }

  function savedAnswer(ctx: RunContext<HttpSpec>): SavedAnswer | null {
    const { spec, directory, maxOutputBytes } = ctx;
    if (spec.save_as === undefined) return null;
    return new SavedAnswer(workTree(ctx, places), spec.save_as, directory, maxOutputBytes);
  }

  /** What the answer was written to when the server died. */
  function sweep(ctx: RunContext<HttpSpec>): void {
    try {
      savedAnswer(ctx)?.sweep();
    } catch {
      // The working directory is gone, or what is in it is in the way: then there is nothing of ours.
    }
  }
}
