import { assetsNamed } from '../documents/asset-use.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { Session, SessionInput } from '../documents/session.ts';
import { messageOf } from '../platform/error-words.ts';
import { uuidV7 } from '../platform/uuid-v7.ts';
import { storeRemoval } from '../store/making-room.ts';
import type { GivenFiles, Page } from '../workspaces/workspaces.ts';
import { Checkpoints } from './checkpoints.ts';
import { Expiry } from './expiry.ts';
import { fingerprintOf } from './fingerprint.ts';
import { isGone } from './gone.ts';
import { keptOf, specOf } from './kept.ts';
import { Leader } from './leader.ts';
import { LiveSessions } from './live.ts';
import { needOf } from './needs.ts';
import { toldToMaker } from './refusal.ts';
import { countRuns, RunsInSessions } from './runs.ts';
import { describeSession, newFacts, readRow, type SessionRow } from './session-facts.ts';
import type { Sessions } from './sessions.ts';
import { setupRunOf } from './setup-run.ts';
import { busy, SessionTable } from './table.ts';
import type { SessionParts, SessionTools } from './tools.ts';

/** How long DELETE waits for what it ends. */
const ENDED_MS = 30_000;

/** All sessions of a server. */
export class AllSessions implements Sessions {
  readonly runs: RunsInSessions;
  readonly #tools: SessionTools;
  readonly #leader: Leader;
  readonly #checkpoints: Checkpoints;
  readonly #closing = new AbortController();
  readonly #expiry: Expiry;

  constructor(parts: SessionParts) {
    this.#tools = {
      ...parts,
      table: new SessionTable(parts.store),
      live: new LiveSessions(),
      closed: this.#closing.signal,
    };
    this.#leader = new Leader(this.#tools);
    this.#checkpoints = new Checkpoints(this.#tools);
    this.#expiry = new Expiry(this.#tools, (id, reason) => this.#shut(id, reason));
    this.runs = new RunsInSessions(this.#tools, this.#leader);
  }

  /** Once, before the runs of an earlier server get their turns. */
  hold(): void {
    const { store, table, log } = this.#tools;
    for (const { id } of store.sessions.unsettled()) {
      const row = table.peek(id);
      try {
        if (row) this.#checkpoints.settle(row);
      } catch (err) {
        // A server starts on a full disk too; it is settled when the next one is taken.
        log.warn({ session_id: id, err }, 'a checkpoint that was begun is not settled');
      }
      if (row?.state === 'preparing' && row.progress.resetting) this.#leader.hold(row);
    }
  }

  /** Once, when they wait again: what an earlier server had begun goes on. */
  begin(): void {
    for (const { id } of this.#tools.store.sessions.unsettled()) this.#leader.lead(id);
    this.#expiry.begin();
  }

  /** What is not done is the next server's. */
  async close(): Promise<void> {
    this.#expiry.stop();
    this.#closing.abort();
    await this.#leader.close();
  }

  async create(input: SessionInput, files?: GivenFiles): ReturnType<Sessions['create']> {
    const { store, table } = this.#tools;
    const { session_id: id = uuidV7() } = input;
    const fingerprint = input.session_id === undefined ? null : fingerprintOf(input, files?.digest ?? null);
    const known = table.peek(id);
    if (known && known.state !== 'closed') {
      if (known.fingerprint !== fingerprint) throw conflict(id);
      await store.committed();
      return { session: this.#describe(known), replayed: true };
    }
    if (known?.unsettled) throw busy(id, 'is being closed');
    const spec = specOf(this.#tools, input);
    try {
      await this.#make({ id, fingerprint, kept: keptOf(this.#tools, input, spec) }, input, files, known?.n);
    } catch (error) {
      throw toldToMaker(error, input, spec);
    }
    return { session: this.get(id), replayed: false };
  }

  /** Resolves when it is stored. */
  async #make(
    asked: Pick<SessionRow, 'id' | 'fingerprint' | 'kept'>,
    input: SessionInput,
    files: GivenFiles | undefined,
    closed: number | undefined,
  ): Promise<void> {
    const { store, table, spaces, engine } = this.#tools;
    const { id } = asked;
    const createdAt = Date.now();
    // Session, workspace and setup are stored in one turn: there are all of them or none.
    const made = input.workspace === undefined ? spaces.make(workspaceOf(input), files) : null;
    const workspace = made?.id ?? this.#givenWorkspace(input.workspace ?? '');
    const row = { ...asked, workspace, createdAt, setup: uuidV7() };
    const { kept, setup: _, ...stored } = row;
    store.sessions.insert({ ...stored, input: JSON.stringify(kept) }, newFacts(row), closed);
    try {
      engine.submit(setupRunOf(table.get(id)), { ofSession: true, mustRun: true }).stored.catch(() => {}); // the commit below says it
    } catch (error) {
      table.change(id, { state: 'closed', refused: true, setups: [] });
      this.#leader.lead(id);
      await this.#ended(id); // so that the id is free for who mends what was refused
      throw error;
    }
    await Promise.all([store.committed(), made?.stored]);
    this.#leader.lead(id);
  }

  get(id: string): Session {
    return this.#describe(this.#tools.table.get(id));
  }

  list(filter: { limit: number; cursor?: string }): Page<Session> {
    const { store, table } = this.#tools;
    const { rows, nextCursor } = store.sessions.page(filter);
    const items = rows.flatMap(({ id }) => table.find(id) ?? []).map((row) => this.#describe(row));
    return { items, next_cursor: nextCursor };
  }

  async prepared(id: string, ms: number, signal?: AbortSignal): Promise<boolean> {
    const { table, live } = this.#tools;
    const until = performance.now() + ms;
    while (table.get(id).state === 'preparing') {
      const left = until - performance.now();
      if (left <= 0 || !(await live.get(id).next({ ms: left, signal }))) return false;
    }
    return true;
  }

  checkpoint(
    ...[id, input, { whileRunning }]: Parameters<Sessions['checkpoint']>
  ): ReturnType<Sessions['checkpoint']> {
    return this.#checkpoints.take(id, input, whileRunning);
  }

  async reset(id: string): Promise<Session> {
    const { table, store, spaces, snapshots, engine } = this.#tools;
    const row = table.get(id);
    if (row.state === 'closed') table.open(id);
    if (row.state === 'preparing') throw busy(id, 'is not ready yet');
    const { readySnapshot, generation, setups } = row.progress;
    if (readySnapshot === null) table.open(id);
    const [run] = spaces.runsOf(row.workspace);
    if (run !== undefined) throw busy(id, `has unfinished runs: ${run}`);
    if (this.#tools.live.get(id).checkpointing) throw busy(id, 'has a checkpoint in the making');
    snapshots.get(readySnapshot ?? '');
    const setup = uuidV7();
    this.#leader.hold(row);
    const { state, unsettled, setup: before, progress } = row;
    table.change(id, {
      ...{ state: 'preparing', unsettled: true, reason: null, trouble: null, resetting: true },
      ...{ generation: generation + 1, setup, setups: [...setups, setup], lastCheckpoint: null },
      ...{ restartedAt: undefined, heldSince: undefined },
    });
    try {
      engine.submit(setupRunOf(table.get(id)), { ofSession: true }).stored.catch(() => {});
    } catch (error) {
      table.change(id, { ...progress, state, unsettled, setup: before });
      this.#leader.letGo(id);
      throw error;
    }
    await store.committed().catch((error) => {
      this.#leader.letGo(id);
      throw error;
    });
    this.#leader.lead(id);
    return this.get(id);
  }

  async remove(id: string, signal?: AbortSignal): Promise<void> {
    const { state, unsettled } = this.#tools.table.get(id);
    if (state !== 'closed') await this.#shut(id, 'deleted');
    else if (unsettled) this.#leader.lead(id); // whoever asks again does not wait for the next try
    await this.#ended(id, signal);
  }

  /** What it held is gone, or cannot go now, or the signal aborts. */
  async #ended(id: string, signal?: AbortSignal): Promise<void> {
    const { table, live } = this.#tools;
    const until = performance.now() + ENDED_MS;
    while (table.peek(id)?.unsettled) {
      const left = until - performance.now();
      // What is not ended by then is told by the session.
      if (left <= 0 || table.peek(id)?.progress.trouble != null) return;
      await live.get(id).next({ ms: left, signal });
      if (signal?.aborted) return;
    }
  }

  /** The session that has this workspace; null: none has. */
  holderOf(workspace: string): SessionRow['id'] | null {
    return this.#tools.store.sessions.ofWorkspace(workspace)?.id ?? null;
  }

  /** Versions of environment specs that sessions were made with, which are not closed. */
  *specsInUse(): Generator<{ name: string; version: number }> {
    for (const stored of this.#tools.store.sessions.open()) {
      const { spec } = readRow(stored).kept;
      if (spec !== null) yield spec;
    }
  }

  /** What this snapshot is needed for by a session that is not closed, in words; null: by none. */
  needOf(snapshot: string): string | null {
    for (const stored of this.#tools.store.sessions.open()) {
      const need = needOf(stored, snapshot);
      if (need !== null) return need;
    }
    return null;
  }

  /** Assets that open ones name, by themselves or by their environment spec. */
  *assetsInUse(): Generator<{ who: string; name: string; version: number | null }> {
    for (const stored of this.#tools.store.sessions.open()) {
      const { assets } = readRow(stored).kept.defaults.options ?? {};
      for (const asset of assetsNamed(assets)) yield { who: `the session ${stored.id}`, ...asset };
    }
  }

  /** Is what a kind keeps for it needed. */
  isOpen(id: string, generation: number): boolean {
    const row = this.#tools.table.peek(id);
    const isOpen = row?.state === 'preparing' || row?.state === 'ready';
    return isOpen && row?.progress.generation === generation;
  }

  async #shut(id: string, reason: string): Promise<void> {
    const { store, table, disk } = this.#tools;
    const closed = { state: 'closed', unsettled: true, resetting: false, reason, trouble: null } as const;
    await storeRemoval(store, disk, () => void table.change(id, closed, ({ state }) => state !== 'closed'));
    this.#leader.lead(id);
  }

  /** Throws where it cannot be that of a session. */
  #givenWorkspace(id: string): string {
    const { spaces } = this.#tools;
    const refuse = (message: string) => fieldRefusal('invalid_field', [{ path: 'workspace', message }]);
    try {
      const { state, reason } = spaces.get(id);
      if (state === 'failed') throw refuse(`could not be filled: ${reason}`);
    } catch (error) {
      if (isGone(error)) throw refuse(messageOf(error));
      throw error;
    }
    const holder = this.holderOf(id);
    if (holder === null) return id;
    throw new RunwireError('workspace_busy', `The workspace ${id} is that of the session ${holder}.`);
  }

  #describe(row: SessionRow): Session {
    return describeSession(row, countRuns(this.#tools, row.id));
  }
}

function workspaceOf({ from, files }: SessionInput) {
  return { ...(from && { from }), ...(files && { files }) };
}

function conflict(id: string): RunwireError {
  return new RunwireError(
    'session_conflict',
    `${id} is a session that was made with another body: delete it first, or send another session_id.`,
  );
}
