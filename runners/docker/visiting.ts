import type { RunContext } from '../../src/contract/context.ts';
import type { GivenFile } from '../../src/contract/given.ts';
import type { KeptContainer } from './container-record.ts';
import { type DockerDaemon, daemonWords } from './daemon.ts';
import { runExec } from './exec.ts';
import { emptyTar, placeInside, sendGiven } from './given.ts';
import { unlinkWords } from './keeper/words.ts';
import type { DockerSpec } from './spec.ts';
import { sendTar } from './transfer.ts';

type Context = RunContext<DockerSpec>;

/** One thing that is in a container for runs that are at work in it. */
interface Visitor {
  file: Pick<GivenFile, 'path' | 'writable' | 'digest'>;
  runs: Set<string>;
  /** It is there, whole. */
  ready: Promise<void>;
}

/** What runs of sessions have of their own in the containers of these, while they are there. */
export class VisitingFiles {
  readonly #daemon: DockerDaemon;
  /** By container. */
  readonly #present = new Map<string, Visitor[]>();

  constructor(daemon: DockerDaemon) {
    this.#daemon = daemon;
  }

  /** Put in, before the run begins. '' or why it cannot be: another run has its place now. */
  async bring(ctx: Context, container: KeptContainer): Promise<string> {
    const own = ownOf(ctx, container);
    const taken = own.flatMap((file) => this.#inTheWay(container.id, file) ?? []);
    if (taken.length > 0)
      return `another run of the session has ${taken.map(({ file }) => placeInside(file)).join(', ')} now`;
    const present = own.map((file) =>
      this.#enter(ctx, container.id, file, () => this.#send(ctx, container.id, file)),
    );
    await Promise.all(present.map(({ ready }) => ready));
    return '';
  }

  /** An earlier server had brought it. */
  remember(ctx: Context, container: KeptContainer): void {
    for (const file of ownOf(ctx, container)) this.#enter(ctx, container.id, file, async () => {});
  }

  /** Nobody needs it any more. Null, or why it is still there. */
  async takeAway(ctx: Context, container: KeptContainer): Promise<string | null> {
    const left = ownOf(ctx, container).filter((file) => this.#leave(ctx, container.id, file));
    if (left.length === 0) return null;
    try {
      for (const { path, tar } of emptyTar(left, ctx.spec))
        await sendTar(this.#daemon, { id: container.id, path, tar }, { ...ctx, signal: NEVER });
      const argv = unlinkWords(left.map(placeInside));
      await runExec(this.#daemon, { container: container.id, user: '0', argv }).catch(() => {}); // it does not run: they are empty
      return null;
    } catch (error) {
      return `what the run was given is still in the container: ${daemonWords(error)}`;
    }
  }

  #inTheWay(container: string, { path, writable, digest }: GivenFile): Visitor | undefined {
    return this.#present.get(container)?.find(({ file }) => {
      const same =
        file.path === path && !writable && !file.writable && file.digest === digest && digest !== null;
      return !same && (`${file.path}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${file.path}/`));
    });
  }

  /** Of several runs that have the same there the first one sends it. */
  #enter(
    { invocation: { invocation_id: run } }: Context,
    container: string,
    file: GivenFile,
    send: () => Promise<void>,
  ): Visitor {
    const present = this.#present.get(container) ?? [];
    this.#present.set(container, present);
    const found = present.find((one) => one.file.path === file.path);
    found?.runs.add(run);
    if (found) return found;
    const visitor: Visitor = { file, runs: new Set([run]), ready: send() };
    visitor.ready.catch(() => {}); // told to each who waits for it
    present.push(visitor);
    return visitor;
  }

  async #send(ctx: Context, container: string, file: GivenFile): Promise<void> {
    await sendGiven(this.#daemon, container, [file], ctx);
    if (ctx.signal.aborted)
      throw new Error(`${placeInside(file)} is not whole: the run that brought it was aborted`);
  }

  /** False: another run needs it. */
  #leave({ invocation: { invocation_id: run } }: Context, container: string, file: GivenFile): boolean {
    const present = this.#present.get(container) ?? [];
    const found = present.find((one) => one.file.path === file.path);
    found?.runs.delete(run);
    if (found && found.runs.size > 0) return false;
    const others = present.filter((one) => one !== found);
    if (others.length > 0) this.#present.set(container, others);
    else this.#present.delete(container);
    return true;
  }
}

const NEVER = new AbortController().signal;

/** What is not there for all runs of the session. */
function ownOf({ given }: Context, container: KeptContainer): GivenFile[] {
  return given.filter(
    ({ path, writable, digest }) => writable || digest === null || container.given?.[path] !== digest,
  );
}
