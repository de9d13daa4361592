import type { RunDirectory } from '../disk/run-directory.ts';
import type { Invocation } from '../documents/invocation.ts';
import type { Kind } from '../documents/kind.ts';
import type { Options } from '../documents/options.ts';
import type { Places } from '../documents/places.ts';
import type { Claims } from './claims.ts';
import type { RunContext } from './context.ts';
import type { GivenWay } from './given.ts';
import type { RunnerOutcome } from './outcome.ts';
import type { SessionHost } from './session-host.ts';

/** A run that is not parsed yet, and its directories, absolute. */
export interface SeenRun {
  readonly invocation: Invocation;
  readonly directory: RunDirectory;
  readonly workingDirectory: string;
  readonly artifactDirectory: string | null;
}

/**
 * A runner does the work of one runtime_kind. What it is given for a run is in context.ts, what it answers in outcome.ts.
 *
 * The order of calls. For the runner of a server:
 *  1. `start`, once: it is known what earlier servers left. Runs may have come before it, and come all the time after.
 *  2. `available`, whenever somebody asks what can be run.
 *  3. `close`, once, when the server stops: no call comes after it.
 * For each run of the kind:
 *  1. `parse`: the invocation becomes a spec, or is refused. A later server that revives the run parses it again.
 *     (Stored, and unless `detached`, queued. A run that is cancelled while it waits goes no further.)
 *  2. `run`, once. Or `recover`, once a server, where an earlier server had come to call `run`, or may have.
 *     Within it, in any order and at any time before it settles:
 *     - `ctx.offer`, as soon as something can be done to the work: its controls are called from then on;
 *     - `ctx.output`, as output comes; `recover` calls `ctx.resumeOutput` before it. Or `ctx.outsideWriter`;
 *     - `ctx.goesOn`, in `recover` alone, as soon as it is known that the work goes on;
 *     - `ctx.outlives`, as soon as the end of the server would do the work no harm: a server that stops leaves it then;
 *     - the signal may abort, once, also before the call. The work is stopped within the reason's grace.
 *  3. It settles. No control is called any more, and output that comes still is dropped.
 *     (Artifacts are collected, the outcome is judged, the result is stored.)
 *  4. The callbacks of `ctx.whenStored`: what was kept for a `recover` may go.
 *
 * Concurrent: `run` and `recover` of different runs, thousands at a time, and `parse` and `available` beside them.
 * Of one run never two calls, but its controls may be called while others of them are pending.
 *
 * Idempotent: `parse`, which does no work and changes nothing; `available`; `recover`, for a server may die in it.
 *
 * A runner should
 * - keep no state of a run between calls, but what its own `recover` or `claims` need, in `ctx.directory`;
 * - settle when the work is over, also when it failed, and throw only when it could not run it at all: `Rejected`
 *   for what cannot be run as it was asked for;
 * - report facts. The engine decides the status, except where the outside world names one (`completion`);
 * - free everything before it settles, also when it was aborted: the signal's reason decides the status then.
 */
export interface Runner<Spec = unknown> extends Kind<Spec> {
  /** Does the kind start a process, so that `command` is needed. */
  readonly needsCommand: boolean;
  /**
   * Does the work use the working directory. Where not, one that was named is not judged and may be missing: an RxP
   * document must name one. Default: yes.
   */
  usesDirectory?(spec: Spec): boolean;
  /**
   * What the work can do with files that come with a run: of `named` it can read those which input_payload_path or its options name
   * (`usesDirectory`), and files of which none is are refused, but in a workspace, which keeps them. Default: all.
   */
  readonly takesFiles?: 'named';
  /** How the work comes to assets and inputs. Absent: in no way, and an invocation that has some is refused. */
  readonly given?: GivenWay;
  /** Where the work sees a place of this machine; null: nowhere. Asked before `parse`. Default: where it is. */
  seenAt?(place: string, run: SeenRun): string | null;
  /** Can the work begin with commands of a setup (`ctx.setup`). Where not, an invocation that has one is refused. Default: no. */
  readonly setsUp?: boolean;
  /** Why the work of such an invocation cannot have a terminal (`options.terminal`), in words; null: it can. Absent: none can. */
  noTerminal?(options: Options): string | null;
  /** For kinds whose sessions hold more than a workspace. */
  readonly sessions?: SessionHost;
  /** Has the kind output streams, so that results carry stdout and stderr. */
  readonly captures: boolean;
  /**
   * Does the work of such a run in a workspace take place in a copy of it, elsewhere: what it made of that is then given to
   * `ctx.workspace.replace`. Nobody else is in the workspace or changes it meanwhile. Default: it works in the workspace itself.
   */
  copiesWorkspace?(spec: Spec): boolean;
  /** The work has fewer rights than the server: links that it made do not lead the server out of the working directory. */
  readonly confined?: boolean;
  /** The run directory is made by the kind's outside writer, when there is something to put in. Default: before the run. */
  readonly makesDirectory?: boolean;
  /**
   * Whose places its runs take: those of `programs`, which work on this machine, or those of `calls`, where the server
   * waits for the work of others until it is over. Default: programs. What is `detached` takes none.
   */
  readonly places?: Places;
  /**
   * Clean up, in the background, what an earlier server left of runs that are over. `isUnfinished`: is there a run of
   * this id that is not; true also for those that came since. Does not throw.
   */
  start?(
    isUnfinished: (invocationId: string) => boolean,
    isOpenSession: (sessionId: string, generation: number) => boolean,
  ): void;
  /**
   * Stop what `start` began and let go of what runs still: it is the next server's, so its `run` need not settle.
   * Does not throw.
   */
  close?(): void | Promise<void>;
  /**
   * The spec of an invocation, checked. The default parses `options.<optionKey>` (or `{}`) with `spec`.
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
  /**
   * The directories of this machine that the work of a run saw, and where in its own tree; `source` null: something of its
   * own is there. Links that it made are read by them. Null, and the default: it saw this machine.
   */
  mounts?(ctx: RunContext<Spec>): readonly { inside: string; source: string | null }[] | null;
  run(ctx: RunContext<Spec>): Promise<RunnerOutcome>;
  /** Resume a run that an earlier server started. Absent: such runs are lost. */
  recover?(ctx: RunContext<Spec>): Promise<RunnerOutcome>;
}
