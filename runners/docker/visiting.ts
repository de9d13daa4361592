import type { RunContext } from '../../src/contract/context.ts';
import type { GivenFile } from '../../src/contract/given.ts';
import type { KeptContainer } from './container-record.ts';
import { type DockerDaemon, daemonWords } from './daemon.ts';
import { runExec } from './exec.ts';
import { emptyTar, isLasting, placeInside, sendGiven } from './given.ts';
import { unlinkWords } from './keeper/words.ts';
import { ABORTED_BEFORE } from './outcome.ts';
import type { DockerSpec } from './spec.ts';
import { sendTar } from './transfer.ts';

type Context = RunContext<DockerSpec>;

/** One thing that is in a container for runs that are at work in it. */
interface Visitor {
  file: Pick<GivenFile, 'path' | 'writable' | 'digest'>;
  runs: Set<string>;
  /** Who brings it, and whether it is there, whole. */
  sent: { by: string; done: Promise<void> };
  /** Nobody needs it: it is being taken away. Null: somebody does. */
  leaving: Promise<unknown> | null;
}

/** What runs of sessions have of their own in the containers of these, while they are there. */
export class VisitingFiles {
  readonly #daemon: DockerDaemon;
  /** By container. */
  readonly #present = new Map<string, Visitor[]>();

  constructor(daemon: DockerDaemon) {
    this.#daemon = daemon;
  }

  /** Put in, before the run begins. '' or why nothing was: another run has its place now. When it settles nothing is being sent. */
  async bring(ctx: Context, container: KeptContainer): Promise<string> {
    const own = ownOf(ctx, container);
    await this.#left(ctx, container.id, own);
    if (ctx.signal.aborted) return ABORTED_BEFORE;
    const taken = own.flatMap((file) => this.#inTheWay(container.id, file) ?? []);
    if (taken.length > 0)
      return `another run of the session has ${taken.map(({ file }) => placeInside(file)).join(', ')} now`;
    const sending = own.map((file) => this.#whole(ctx, container.id, file));
    for (const sent of await Promise.allSettled(sending)) if (sent.status === 'rejected') throw sent.reason;
    return '';
  }

  /** An earlier server had brought it. */
  remember(ctx: Context, container: KeptContainer): void {
    for (const file of ownOf(ctx, container)) this.#enter(ctx, container.id, file, async () => {});
  }

  /** Nobody needs it any more. Null, or why it is still there. */
  async takeAway(ctx: Context, container: KeptContainer): Promise<string | null> {
    const left = ownOf(ctx, container).flatMap((file) => this.#leave(ctx, container.id, file) ?? []);
    if (left.length === 0) return null;
    const emptied = this.#empty(ctx, container.id, left);
    for (const one of left) one.leaving = emptied;
    const words = await emptied;
    const others = this.#at(container.id).filter((one) => !left.includes(one));
    if (others.length > 0) this.#present.set(container.id, others);
    else this.#present.delete(container.id);
    return words;
  }

  /** It is gone, with all that was in it. */
  forget(container: string): void {
    this.#present.delete(container);
  }

  #at(container: string): Visitor[] {
    return this.#present.get(container) ?? [];
  }

  /** What is being taken away from there is gone, or the run is aborted. */
  async #left({ signal }: Context, container: string, own: readonly GivenFile[]): Promise<void> {
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    for (;;) {
      const leaving = this.#at(container).filter(
        (one) => one.leaving !== null && own.some((file) => overlap(one.file, file)),
      );
      if (leaving.length === 0 || signal.aborted) return;
      await Promise.race([Promise.all(leaving.map((one) => one.leaving)), aborted]);
    }
  }

  async #empty(ctx: Context, container: string, left: readonly Visitor[]): Promise<string | null> {
    const files = left.map(({ file }) => file);
    try {
      for (const { path, tar } of emptyTar(files, ctx.spec))
        await sendTar(this.#daemon, { id: container, path, tar }, { ...ctx, signal: NEVER });
      const argv = unlinkWords(files.map(placeInside));
      await runExec(this.#daemon, { container, user: '0', argv }).catch(() => {}); // it does not run: they are empty
      return null;
    } catch (error) {
      return `what the run was given is still in the container: ${daemonWords(error)}`;
    }
  }

  #inTheWay(container: string, file: GivenFile): Visitor | undefined {
    const { path, writable, digest } = file;
    return this.#at(container).find(({ file: other }) => {
      const same =
        other.path === path && !writable && !other.writable && other.digest === digest && digest !== null;
      return !same && overlap(other, file);
    });
  }

  /** Of several runs that have the same there the first one sends it; where that does not come to its end, another. */
  async #whole(ctx: Context, container: string, file: GivenFile): Promise<void> {
    const by = ctx.invocation.invocation_id;
    const send = () => this.#send(ctx, container, file);
    const visitor = this.#enter(ctx, container, file, send);
    for (;;) {
      const { sent } = visitor;
      try {
        return await sent.done;
      } catch (error) {
        if (sent.by === by || ctx.signal.aborted) throw error;
        if (visitor.sent === sent) visitor.sent = sentBy(by, send());
      }
    }
  }

  #enter(
    { invocation: { invocation_id: run } }: Pick<Context, 'invocation'>,
    container: string,
    file: GivenFile,
    send: () => Promise<void>,
  ): Visitor {
    const present = this.#at(container);
    this.#present.set(container, present);
    const found = present.find((one) => one.file.path === file.path);
    found?.runs.add(run);
    if (found) return found;
    const visitor = { file, runs: new Set([run]), sent: sentBy(run, send()), leaving: null };
    present.push(visitor);
    return visitor;
  }

  async #send(ctx: Context, container: string, file: GivenFile): Promise<void> {
    await sendGiven(this.#daemon, container, [file], ctx);
    if (ctx.signal.aborted)
      throw new Error(`${placeInside(file)} is not whole: the run that brought it was aborted`);
  }

  /** What is to be taken away. Null: another run needs it, or it is being taken away. */
  #leave(ctx: Context, container: string, file: GivenFile): Visitor | null {
    // One that nobody is known to have brought may be there all the same.
    const visitor = this.#enter(ctx, container, file, async () => {});
    visitor.runs.delete(ctx.invocation.invocation_id);
    return visitor.runs.size > 0 || visitor.leaving !== null ? null : visitor;
  }
}

function sentBy(by: string, done: Promise<void>): Visitor['sent'] {
  done.catch(() => {}); // told to each who waits for it
  return { by, done };
}

type Place = Pick<GivenFile, 'path'>;

/** Are two places the same, or one in the other. */
function overlap({ path: one }: Place, { path: other }: Place): boolean {
  return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
}

const NEVER = new AbortController().signal;

/** What is not there for all runs of the session. */
function ownOf({ given }: Context, container: KeptContainer): GivenFile[] {
  return given.filter((one) => !isLasting(one, container));
}
