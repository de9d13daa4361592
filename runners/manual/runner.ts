import type { Claims } from '../../src/contract/claims.ts';
import type { RunContext } from '../../src/contract/context.ts';
import { Rejected, type RunnerOutcome } from '../../src/contract/outcome.ts';
import type { Runner } from '../../src/contract/runner.ts';
import type { ArtifactCaps } from '../../src/documents/artifact.ts';
import { fieldErrors, fieldRefusal } from '../../src/documents/field-errors.ts';
import { ManualDesk } from './desk.ts';
import { DISPATCH_SCHEDULE, type DispatchSchedule, dispatchRun, type PostClaim } from './dispatch.ts';
import { type Dispatcher, runDispatcher } from './dispatcher.ts';
import { ManualRun } from './run.ts';
import { ManualSpec } from './spec.ts';
import { newState, readState } from './state.ts';
import { Uploads } from './uploads.ts';

export interface ManualRunnerOptions {
  caps: ArtifactCaps;
  post: PostClaim;
  /** May a POST to this host be signed with the secret of this name: undefined, or why not. */
  refuseSecret(name: string, host: string): string | undefined;
  dispatchers?: Readonly<Record<string, Dispatcher>>;
  schedule?: DispatchSchedule;
}

export interface ManualRunner extends Runner<ManualSpec> {
  readonly claims: Claims;
  /** The server stops: workers are answered no more, and their runs are left to the next server. */
  close(): void;
}

/** Runs that people or far-away workers do. See docs/runners/manual.md. */
export function manualRunner(options: ManualRunnerOptions): ManualRunner {
  const { caps, post, schedule = DISPATCH_SCHEDULE, refuseSecret } = options;
  const dispatchers = new Map(Object.entries(options.dispatchers ?? {}));
  const desk = new ManualDesk();

  const open = (ctx: RunContext<ManualSpec>, how: 'begin' | 'resume'): Promise<RunnerOutcome> => {
    const run = new ManualRun({
      ctx,
      state: how === 'begin' ? newState() : readState(ctx.directory),
      uploads: new Uploads(ctx.directory, caps),
      onWaiting(waiting, again) {
        if (ctx.spec.dispatch_url === undefined) desk.offer(waiting, again);
        else void dispatchRun(waiting, post, schedule);
      },
      onOver: (over) => desk.remove(over),
    });
    desk.add(run);
    if (how === 'resume' && ctx.spec.dispatch_url === undefined) desk.expect(run);
    run[how]();
    return run.outcome;
  };

  return {
    kind: 'manual',
    name: 'Manual',
    description: 'Work that people or far-away workers do: they claim runs, or are given them, and report.',
    spec: ManualSpec,
    needsCommand: false,
    captures: true,
    claims: desk,
    detached: (spec) => spec.dispatcher === undefined,
    parse(invocation) {
      const spec = parseSpec(invocation.options.manual);
      if (spec.dispatcher !== undefined && !dispatchers.has(spec.dispatcher))
        throw new Rejected(
          `options.manual.dispatcher: there is no dispatcher ${JSON.stringify(spec.dispatcher)}`,
        );
      if (spec.dispatch_secret !== undefined && spec.dispatch_url !== undefined) {
        const why = refuseSecret(spec.dispatch_secret, new URL(spec.dispatch_url).hostname);
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
