import { directoryName, runDirectory } from '../disk/run-directory.ts';
import { RunwireError } from '../documents/errors.ts';
import { type Backoff, backoffMs } from '../platform/backoff.ts';
import { messageOf } from '../platform/error-words.ts';
import { isGone, runsIn } from './gone.ts';
import type { LiveSession } from './live.ts';
import type { Changes, SessionRow } from './session-facts.ts';
import { settleSetup } from './settle.ts';
import { setupRunOf, snapshotAfter } from './setup-run.ts';
import type { SessionTools } from './tools.ts';

/** Between two tries of what cannot be had now. */
const AGAIN: Backoff = { firstMs: 1000, factor: 2, maxMs: 300_000, jitter: 0.1 };
/** What is refused for these reasons may be had later. */
const PASSING: ReadonlySet<string> = new Set(['workspace_busy', 'session_busy', 'queue_full']);

/** Goes on with what was begun in sessions, under this server or an earlier one, until it is done. */
export class Leader {
  readonly #tools: SessionTools;
  readonly #going = new Set<Promise<void>>();

  constructor(tools: SessionTools) {
    this.#tools = tools;
  }

  /** Nothing begins in a workspace that is to be put back. To be called in the turn in which that is stored. */
  hold({ id, workspace }: SessionRow): void {
    this.#tools.live.get(id).hold ??= this.#tools.spaces.hold(workspace);
  }

  letGo(id: string): void {
    const live = this.#tools.live.peek(id);
    if (live) this.#letGo(live);
  }

  /** At once where nobody leads it yet; else whoever does looks again. */
  lead(id: string): void {
    const live = this.#tools.live.get(id);
    live.changed();
    if (live.leading || this.#tools.closed.aborted) return;
    live.leading = true;
    const going = this.#lead(live).finally(() => {
      this.#going.delete(going);
      live.leading = false;
      this.#tools.live.changed(live);
      // It may have been told to go on in the moment in which there was nothing more.
      if (isLed(this.#tools.table.peek(id))) this.lead(id);
    });
    this.#going.add(going);
  }

  /** What is not done is the next server's. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#going);
  }

  async #lead(live: LiveSession): Promise<void> {
    const { table, closed, log } = this.#tools;
    for (let failures = 0; !closed.aborted; ) {
      const row = table.peek(live.id);
      if (!isLed(row)) return;
      try {
        await this.#step(row, live);
        failures = 0;
      } catch (err) {
        if (closed.aborted) return;
        const trouble = messageOf(err);
        if (row.progress.trouble !== trouble) {
          log.warn({ session_id: live.id, err }, 'a session is not where it is to be yet');
          // What cannot be stored is told by the store.
          await this.#store(live.id, { trouble }).catch(() => {});
        }
        // Whoever changes it makes it look at once.
        await live.next({ ms: backoffMs(AGAIN, failures++), signal: closed });
      }
    }
  }

  /** One of the things that are begun is done, or rejects and is tried again. */
  async #step(row: SessionRow, live: LiveSession): Promise<void> {
    if (row.state === 'preparing') {
      if (row.progress.resetting) return this.#putBack(row, live);
      return this.#awaitSetup(row, live);
    }
    this.#letGo(live);
    await this.#end(row, live);
  }

  /** What the generation before held goes, and its workspace is what it was when it got ready. */
  async #putBack(row: SessionRow, live: LiveSession): Promise<void> {
    const { spaces } = this.#tools;
    const { generation, setups, readySnapshot } = row.progress;
    this.hold(row);
    const earlier = setups.filter((setup) => setup !== row.setup);
    await this.#endHeld(row, generation - 1, earlier);
    try {
      if (readySnapshot !== null)
        await spaces.restoreHeld(row.workspace, { snapshot_id: readySnapshot, mode: 'exact' });
    } catch (error) {
      if (!(error instanceof RunwireError) || PASSING.has(error.code) || error.status >= 500) throw error;
      return this.#giveUp(row, `it could not be reset: ${messageOf(error)}`);
    }
    const done = { resetting: false, trouble: null, setups: [row.setup] };
    await this.#store(row.id, done, (now) => now.state === 'preparing' && now.setup === row.setup);
    this.#letGo(live);
  }

  async #awaitSetup(row: SessionRow, live: LiveSession): Promise<void> {
    const { engine, closed } = this.#tools;
    if (!engine.has(row.setup))
      try {
        await engine.submit(setupRunOf(row), { ofSession: true }).stored;
      } catch (error) {
        if (!(error instanceof RunwireError) || PASSING.has(error.code) || error.status >= 500) throw error;
        return this.#giveUp(row, messageOf(error));
      }
    await this.#setupOver(row, live);
    if (!closed.aborted && this.#isSetUp(row)) await settleSetup(this.#tools, row.id);
  }

  /** Or the session does not wait for it any more: of one that is closed it is to be cancelled. */
  async #setupOver(row: SessionRow, live: LiveSession): Promise<void> {
    const { engine, closed } = this.#tools;
    const over = new AbortController();
    const signal = AbortSignal.any([closed, over.signal]);
    const finished = engine
      .waitFinished(row.setup, Number.POSITIVE_INFINITY, signal)
      .finally(() => over.abort());
    while (this.#isSetUp(row)) if (!(await live.next({ signal }))) break;
    over.abort();
    await finished;
  }

  /** Is it still this run that is to make it ready. */
  #isSetUp({ id, setup }: SessionRow): boolean {
    const row = this.#tools.table.peek(id);
    return row?.state === 'preparing' && row.setup === setup;
  }

  async #giveUp(row: SessionRow, reason: string): Promise<void> {
    const failed = { state: 'failed', resetting: false, reason } as const;
    await this.#store(row.id, failed, (now) => now.state === 'preparing' && now.setup === row.setup);
    if (this.#tools.engine.has(row.setup)) this.#tools.engine.cancel(row.setup, undefined, 'session');
  }

  /** Failed or closed: what it held goes, and of one that is closed its workspace. */
  async #end(row: SessionRow, live: LiveSession): Promise<void> {
    const { table } = this.#tools;
    const isClosed = row.state === 'closed';
    await this.#withoutRuns(row, live);
    await this.#endHeld(row, row.progress.generation, row.progress.setups);
    if (isClosed && !row.kept.keepWorkspace) await this.#removeWorkspace(row);
    if (row.progress.refused) return this.#forget(row);
    const ended = { unsettled: false, trouble: null, setups: [] };
    await this.#store(row.id, ended, (now) => now.state === row.state);
    if (isClosed)
      this.#tools.log.info(
        { session_id: row.id, reason: table.peek(row.id)?.progress.reason },
        'a session is closed',
      );
  }

  /**
   * Those of one that is closed are cancelled, and of a workspace that goes with it all; of one that failed they end by
   * themselves.
   */
  async #withoutRuns(row: SessionRow, live: LiveSession): Promise<void> {
    const { engine, closed, spaces } = this.#tools;
    if (row.state === 'closed') {
      const inIt = row.kept.keepWorkspace ? [] : runsIn(spaces, row.workspace);
      const all = new Set([...live.runs, ...inIt].filter((run) => engine.has(run)));
      for (const run of all) engine.cancel(run, undefined, 'session');
      await Promise.all([...all].map((run) => engine.waitFinished(run, Number.POSITIVE_INFINITY, closed)));
    }
    while (live.runs.size > 0) if (!(await live.next({ signal: closed }))) closed.throwIfAborted();
  }

  async #endHeld({ id, kept }: SessionRow, generation: number, setups: readonly string[]): Promise<void> {
    const { kinds, dataDir, closed } = this.#tools;
    const setupDirectories = setups.map((run) => runDirectory(dataDir, directoryName(run)).root);
    const ending = kinds.find(kept.kind)?.sessions?.end({ id, generation, setupDirectories });
    // A server that stops does not wait for an engine that does not answer.
    if (ending) await unlessAborted(ending, closed);
  }

  /** With what the server kept of it by itself. */
  async #removeWorkspace({ workspace, kept, progress }: SessionRow): Promise<void> {
    const { spaces, snapshots } = this.#tools;
    const own = new Set([...progress.readySnapshots, ...progress.setups.map(snapshotAfter)]);
    try {
      const base = spaces.get(workspace).base_snapshot;
      if (kept.ownWorkspace && base === `${workspace}.base`) own.add(base);
      await spaces.release(workspace);
    } catch (error) {
      if (!isGone(error)) throw error;
      if (kept.ownWorkspace) own.add(`${workspace}.base`);
    }
    for (const snapshot of own)
      try {
        await snapshots.remove(snapshot);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
  }

  async #forget({ n }: SessionRow): Promise<void> {
    const { store } = this.#tools;
    store.sessions.remove(n);
    await store.committed();
  }

  #letGo(live: LiveSession): void {
    live.hold?.();
    live.hold = null;
  }

  async #store(id: string, changes: Changes, when?: (row: SessionRow) => boolean): Promise<void> {
    const { table, store, live } = this.#tools;
    table.change(id, changes, when);
    await store.committed();
    live.peek(id)?.changed();
  }
}

/** Rejects when the signal aborts, whatever becomes of the work then. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Is there something to go on with: a checkpoint goes on by itself. */
export const isLed = (row: SessionRow | undefined): row is SessionRow =>
  row?.unsettled === true && row.state !== 'ready';
