import type { z } from 'zod';
import type { Invocation } from '../documents/invocation.ts';
import type { Claims } from './claims.ts';
import type { RunContext } from './context.ts';
import type { RunnerOutcome } from './outcome.ts';

/**
 * A runner does the work of one runtime_kind.
 *
 * The engine calls `run` once for each run, many at the same time; a runner keeps no state of a run
 * between calls. `run` returns when the work is over, also when the work failed; it throws only when
 * it could not run the work at all. When `ctx.signal` aborts it stops the work, frees everything and
 * settles; it may return or throw then: the signal's reason decides the status. A runner reports
 * facts and never decides a status, except where the outside world names one (`completion`).
 */
export interface Runner<Spec = unknown> {
  readonly kind: string;
  readonly name: string;
  readonly description: string;
  /** Shape of `options.<kind>`. */
  readonly spec: z.ZodType<Spec>;
  /** Does the kind start a process, so that `command` is needed. */
  readonly needsCommand: boolean;
  /** Has the kind output streams, so that results carry stdout and stderr. */
  readonly captures: boolean;
  /** The work has fewer rights than the server: links that it made do not lead the server out of the working directory. */
  readonly confined?: boolean;
  /** The run directory is made by the kind's outside writer, when there is something to put in. Default: before the run. */
  readonly makesDirectory?: boolean;
  /**
   * The spec of an invocation, checked. The default parses `options.<kind>` (or `{}`) with `spec`.
   * Throws Rejected for what cannot be run.
   */
  parse?(invocation: Invocation): Spec;
  /**
   * Is the work done by others, so that it costs this server next to nothing and outlives it: such a run takes no
   * place of the queue, and a server that stops leaves it to the next one. Default: no.
   */
  detached?(spec: Spec): boolean;
  /** Where workers elsewhere take runs of this kind and report on them. */
  readonly claims?: Claims;
  /** Undefined when runs can be started now, else why not, in words. */
  available?(): Promise<string | undefined>;
  run(ctx: RunContext<Spec>): Promise<RunnerOutcome>;
  /** Carry on with a run that an earlier server started. Absent: such runs are lost. */
  recover?(ctx: RunContext<Spec>): Promise<RunnerOutcome>;
}
