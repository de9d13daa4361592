import type { SessionOfRun } from '../contract/context.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { InvocationInput, WholeInvocationInput } from '../documents/invocation.ts';
import { type DefaultsLayer, withDefaults } from '../documents/invocation-defaults.ts';
import { isFinal } from '../documents/result.ts';
import { inSession } from './entry.ts';
import type { Leader } from './leader.ts';
import type { Changes, SessionRow } from './session-facts.ts';
import { settleSetup } from './settle.ts';
import type { SessionTools } from './tools.ts';

/** A run with what its session says: `layers` stand below what was sent. */
interface Entered {
  whole: WholeInvocationInput;
  spec: SessionRow['kept']['spec'];
  layers: DefaultsLayer[];
}

/** Whether what a session holds is there is asked no more often. */
const ASK_MS = 10_000;
/** How exactly it is kept when it was last used; where it is closed when it is idle, to a tenth of that time. */
const TOUCH_MS = 1000;

/** Runs in sessions, as the engine leads them. */
export class RunsInSessions {
  readonly #tools: SessionTools;
  readonly #leader: Pick<Leader, 'lead'>;

  constructor(tools: SessionTools, leader: Pick<Leader, 'lead'>) {
    this.#tools = tools;
    this.#leader = leader;
  }

  /**
   * A new run that names a session, with what that gives it. `isOwn`: it sets it up. Throws session_not_found, session_failed,
   * session_closed, and invalid_invocation for what is the session's to say.
   */
  enter(sent: InvocationInput, isOwn: boolean): Entered {
    const { table, kinds } = this.#tools;
    const id = sent.options?.session ?? '';
    if (isOwn) return { whole: withDefaults(sent, []), spec: table.get(id).kept.spec, layers: [] };
    const row = table.open(id);
    if (sent.invocation_id === row.setup)
      throw new RunwireError('invocation_conflict', `${row.setup} is the run that sets the session ${id} up`);
    const runner = kinds.find(row.kept.kind);
    if (!runner)
      throw fieldRefusal('invalid_invocation', [
        {
          path: 'options.session',
          message: `is of the kind ${row.kept.kind}, which this server does not have`,
        },
      ]);
    const entered = inSession(sent, row, runner, (word) => kinds.find(word)?.kind ?? word);
    return { ...entered, spec: row.kept.spec };
  }

  /** What the run is in its session. */
  roleOf(run: string, id: string): (SessionOfRun & { isResumed: boolean }) | null {
    const row = this.#tools.table.peek(id);
    if (row === undefined) return null;
    const { generation } = row.progress;
    const isSetup = run === row.setup;
    const isResumed = isSetup && generation > 1;
    return {
      ...{ id, generation, isSetup, isResumed },
      restarted: () => this.#note(id, generation, { restartedAt: Date.now() }),
      gone: (why) => this.#gone(id, generation, why),
      startedAt: () => this.#tools.table.peek(id)?.progress.heldSince ?? null,
      started: (heldSince) => this.#note(id, generation, { heldSince }),
    };
  }

  /** It is stored, or an earlier server had it. */
  joined(run: string, id: string): void {
    this.#tools.live.get(id).runs.add(run);
    this.#touch(id);
  }

  /** It is over. */
  left(run: string, id: string): void {
    const { live } = this.#tools;
    const found = live.get(id);
    found.runs.delete(run);
    this.#touch(id);
    live.changed(found);
  }

  /** In its turn in the workspace of the session, before it begins. Null: it may; else why not. */
  async refusalOf(run: string, id: string): Promise<string | null> {
    const { table, store } = this.#tools;
    let row = table.peek(id);
    if (row === undefined) return `the session ${id} is not there any more`;
    if (run === row.setup)
      return row.state === 'preparing' ? null : `the session ${id} is not prepared any more`;
    if (row.state === 'preparing') {
      await settleSetup(this.#tools, id);
      row = table.peek(id) ?? row;
    }
    if (row.state === 'ready') await this.#ask(row);
    await store.committed();
    const { state, progress, kept } = table.peek(id) ?? row;
    if (state === 'ready') return null;
    if (state === 'closed') return `the session ${id} is closed: ${progress.reason}`;
    return progress.readySnapshot === null
      ? `the session ${id} could not be set up: ${progress.reason ?? kept.kind}`
      : `the session ${id} cannot be used: ${progress.reason}`;
  }

  /** Is there a session that needs the record of this run. */
  keeps(run: string): string | null {
    const row = this.#tools.store.sessions.ofSetup(run);
    return row === undefined || row.state === 'closed' ? null : row.id;
  }

  #note(id: string, generation: number, what: Pick<Changes, 'restartedAt' | 'heldSince'>): void {
    const { table, store, log } = this.#tools;
    try {
      table.change(id, what, ({ progress }) => progress.generation === generation);
      store.committed().catch(() => {}); // told by the store
    } catch (err) {
      log.warn({ session_id: id, err }, 'when what a session holds was started could not be kept');
    }
  }

  /** Is what the session holds still there. Who cannot be asked is not taken to say no. */
  async #ask(row: SessionRow): Promise<void> {
    const { kinds, live, log } = this.#tools;
    const host = kinds.find(row.kept.kind)?.sessions;
    const found = live.get(row.id);
    if (row.state !== 'ready' || !host?.trouble || performance.now() - found.askedAt < ASK_MS) return;
    const { generation } = row.progress;
    try {
      const reason = await host.trouble({ id: row.id, generation });
      found.askedAt = performance.now();
      if (reason !== null) await this.#gone(row.id, generation, reason);
    } catch (err) {
      log.warn({ session_id: row.id, err }, 'a session cannot be looked at');
    }
  }

  /** It has failed, in this turn of the event loop. What cannot be kept of that is asked for by the next run. */
  async #gone(id: string, generation: number, reason: string): Promise<void> {
    const { table, store, live, log } = this.#tools;
    const isSame = ({ state, progress }: SessionRow): boolean =>
      state === 'ready' && progress.generation === generation;
    try {
      if (!table.change(id, { state: 'failed', reason, unsettled: true }, isSame)) return;
      log.warn({ session_id: id, reason }, 'what a session holds is gone');
      this.#leader.lead(id);
      await store.committed();
    } catch (err) {
      live.get(id).askedAt = Number.NEGATIVE_INFINITY;
      log.warn({ session_id: id, err }, 'that what a session holds is gone could not be kept');
    }
  }

  #touch(id: string): void {
    const { table, store, log } = this.#tools;
    try {
      const row = table.peek(id);
      const time = Date.now();
      if (row === undefined || row.state === 'closed') return;
      const { lastUsedAt } = row.progress;
      const { idleSeconds } = row.kept;
      if (time - lastUsedAt < Math.min(TOUCH_MS, (idleSeconds ?? 10) * 100)) return;
      table.change(id, { lastUsedAt: time });
      store.committed().catch(() => {}); // told by the store
    } catch (err) {
      log.warn({ session_id: id, err }, 'when it was last used could not be kept');
    }
  }
}

/** How many of its runs are at work, and how many wait. */
export function countRuns({ engine, live }: SessionTools, id: string): { running: number; queued: number } {
  const counts = { running: 0, queued: 0 };
  for (const run of live.peek(id)?.runs ?? []) {
    if (!engine.has(run)) continue;
    const status = engine.status(run);
    if (status === 'pending') counts.queued++;
    else if (!isFinal(status)) counts.running++;
  }
  return counts;
}
