import type { RunContext } from '../../src/contract/context.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { ArtifactCaps } from '../../src/documents/artifact.ts';
import { fieldErrors, fieldRefusal } from '../../src/documents/field-errors.ts';
import { optionsOf } from '../../src/documents/options.ts';
import type { AddressGuard } from '../../src/outbound/address-guard.ts';
import { type Secrets, secretRefusal } from '../../src/outbound/secrets.ts';
import { ManualDesk } from './desk.ts';
import { DISPATCH_SCHEDULE, dispatchRun } from './dispatch.ts';
import { type Dispatcher, runDispatcher } from './dispatcher.ts';
import { claimPoster } from './post.ts';
import { ManualRun } from './run.ts';
import { ManualSpec } from './spec.ts';
import { newState, readState } from './state.ts';
import { Uploads } from './uploads.ts';

export interface ManualParts {
  artifactCaps: ArtifactCaps;
  guard: AddressGuard;
  /** Of which the POST of a claim may be signed with one. */
  secrets: Secrets;
  /** Functions of this program that do runs, by the name that `options.manual.dispatcher` gives. */
  dispatchers: Readonly<Record<string, Dispatcher>>;
}

/** Runs that people or far-away workers do. See docs/runners/manual.md. */
export function manualRunner({ artifactCaps, guard, secrets, ...parts }: ManualParts): Runner<ManualSpec> {
  const dispatchers = new Map(Object.entries(parts.dispatchers));
  const post = claimPoster(guard, secrets);
  const desk = new ManualDesk();

  const open = (ctx: RunContext<ManualSpec>, how: 'begin' | 'resume'): Promise<RunnerOutcome> => {
    const run = new ManualRun({
      ctx,
      state: how === 'begin' ? newState() : readState(ctx.directory),
      uploads: new Uploads(ctx.directory, artifactCaps, ctx.invocation.options.outputs),
      onWaiting(waiting, again) {
        if (ctx.spec.dispatch_url === undefined) desk.offer(waiting, again);
        else void dispatchRun(ctx, waiting, post, DISPATCH_SCHEDULE);
      },
      onOver: (over) => desk.remove(over),
      placeOf: (waiting) => desk.placeOf(waiting),
    });
    desk.add(run);
    if (how === 'resume' && ctx.spec.dispatch_url === undefined) desk.expect(run);
    run[how]();
    return run.outcome;
  };

  return {
    kind: 'manual',
    rxpKind: 'manual',
    name: 'Manual',
    description: 'Work that people or far-away workers do: they claim runs, or are given them, and report.',
    spec: ManualSpec,
    needsCommand: false,
    usesDirectory: ({ dispatcher }) => dispatcher !== undefined,
    captures: true,
    given: { by: 'address' },
    seenAt: () => null,
    places: 'calls',
    claims: desk,
    detached: (spec) => spec.dispatcher === undefined,
    parse(invocation) {
      const spec = parseSpec(optionsOf(invocation.options, 'manual'));
      if (spec.dispatcher !== undefined && !dispatchers.has(spec.dispatcher))
        throw new Rejected(
          `options.manual.dispatcher: there is no dispatcher ${JSON.stringify(spec.dispatcher)}`,
        );
      if (spec.dispatch_secret !== undefined && spec.dispatch_url !== undefined) {
        const why = secretRefusal(secrets, spec.dispatch_secret, new URL(spec.dispatch_url).hostname);
        if (why !== undefined) throw new Rejected(`options.manual.dispatch_secret: ${why}`);
      }
      return spec;
    },
    async run(ctx) {
      const dispatcher = dispatchers.get(ctx.spec.dispatcher ?? '');
      return dispatcher ? runDispatcher(dispatcher, ctx) : open(ctx, 'begin');
    },
    async recover(ctx) {
      if (ctx.spec.dispatcher === undefined) return open(ctx, 'resume');
      const errorSummary = 'the server stopped while the dispatcher worked';
      return { ended: 'lost', started: true, retrySafe: false, exitCode: null, success: false, errorSummary };
    },
    close: () => desk.close(),
  };
}

function parseSpec(value: unknown): ManualSpec {
  const parsed = ManualSpec.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  throw fieldRefusal('invalid_invocation', fieldErrors(parsed.error, ['options', 'manual']));
}
