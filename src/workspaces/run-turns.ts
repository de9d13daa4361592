import { relative } from 'node:path';
import type { Readable } from 'node:stream';
import type { PrivatePlaces } from '../disk/private-places.ts';
import { workspaceDirectory } from '../disk/workspace-directory.ts';
import type { Omitted } from '../documents/artifact.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { WorkspaceOutcome } from '../documents/workspace.ts';
import type { WorkspaceOfRun } from '../documents/workspace-use.ts';
import { messageOf } from '../platform/error-words.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { putInto } from './put.ts';
import type { Replacer } from './replacer.ts';
import type { OwnShot, Shots } from './shots.ts';
import type { LiveSpaces } from './space.ts';
import { failed } from './tools.ts';
import { jobOf, type TreeCounts } from './tree-counts.ts';
import { inputOf } from './workspace-facts.ts';

/** A run, as its workspace sees it. */
export interface RunInWorkspace {
  readonly id: string;
  readonly createdAt: number;
  /** Aborted when it is to end. */
  readonly signal: AbortSignal;
  readonly workspace: WorkspaceOfRun | null;
  /** What it makes of a copy of it takes its place: nobody changes it meanwhile. */
  readonly copiesWorkspace: boolean;
}

/** What the engine asks of workspaces for their runs. */
export interface WorkspaceRuns {
  /** Absolute: where runs of it work. Throws invalid_invocation naming options.workspace, and workspace_failed. */
  admit(id: string): string;
  /** The same of one that was admitted, whatever became of it. */
  treeOf(id: string): string;
  hasTurnFor(run: RunInWorkspace): boolean;
  /** It waits, or has its turn at once: `onTurn` is called then. */
  enter(run: RunInWorkspace, onTurn: () => void): void;
  /** An earlier server had begun it: it has its turn. */
  resume(run: RunInWorkspace): void;
  waits(run: RunInWorkspace): boolean;
  /** True when it waited, and does no more. */
  leaveWaiting(run: RunInWorkspace): boolean;
  /** It is over. */
  leave(run: RunInWorkspace): void;
  waitingOf(run: RunInWorkspace): { place: number; holders: string[] } | null;
  /** In its turn, before it begins: files that came with it are put in, the snapshot is taken. Throws Error in words. */
  prepare(run: RunInWorkspace, files: { from: string; into: string } | null): Promise<void>;
  /**
   * In its turn: the workspace becomes what this tar of one directory has. Returns what of it was left out. Rejects, in words, where
   * nothing was changed. Done again it does the same.
   */
  replace(run: RunInWorkspace, tar: Readable): Promise<Omitted[]>;
  /** In its turn, when its work is over (`began`) or does not begin. Notes are for people. */
  conclude(run: RunInWorkspace, began: boolean): Promise<{ outcome: WorkspaceOutcome; notes: string[] }>;
  /** All that was left by an earlier server stands in line: turns are given from now on. */
  open(): void;
  /** No more turns are given. */
  pause(): void;
}

export interface RunTurnsParts {
  dataDir: string;
  store: Pick<InvocationStore, 'workspaces'>;
  spaces: LiveSpaces;
  shots: Shots;
  counts: TreeCounts;
  places: PrivatePlaces;
  replacer: Pick<Replacer, 'replace'>;
  maxBytes: number;
}

/** Runs in workspaces: their turns, and what is done in them. */
export class RunTurns implements WorkspaceRuns {
  readonly #parts: RunTurnsParts;
  constructor(parts: RunTurnsParts) {
    this.#parts = parts;
  }

  admit(id: string): string {
    const { workspaces } = this.#parts.store;
    const row = workspaces.get(id);
    if (row?.state === 'failed') throw failed(id, row.reason);
    if (row) return this.treeOf(id);
    const message = workspaces.removed(id)
      ? `the workspace ${id} was removed`
      : `there is no workspace ${id}`;
    throw fieldRefusal('invalid_invocation', [{ path: 'options.workspace', message }]);
  }

  treeOf(id: string): string {
    return workspaceDirectory(this.#parts.dataDir, id).tree;
  }

  hasTurnFor({ workspace }: RunInWorkspace): boolean {
    if (workspace === null) return true;
    return this.#parts.spaces.peek(workspace.id)?.line.hasTurnFor(workspace.shared) ?? true;
  }

  enter({ id, workspace }: RunInWorkspace, onTurn: () => void): void {
    if (workspace === null) return onTurn();
    this.#lineOf(workspace).enter(id, workspace.shared, onTurn);
    this.#changed(workspace);
  }

  resume({ id, workspace, copiesWorkspace }: RunInWorkspace): void {
    if (workspace === null) return;
    this.#lineOf(workspace).hold(id, workspace.shared);
    if (copiesWorkspace) this.#parts.spaces.get(workspace.id).copiedBy = id;
  }

  waits({ id, workspace }: RunInWorkspace): boolean {
    return workspace !== null && (this.#parts.spaces.peek(workspace.id)?.line.waits(id) ?? false);
  }

  leaveWaiting({ id, workspace }: RunInWorkspace): boolean {
    const waited =
      workspace !== null && (this.#parts.spaces.peek(workspace.id)?.line.leaveWaiting(id) ?? false);
    if (waited) this.#changed(workspace);
    return waited;
  }

  leave({ id, workspace }: RunInWorkspace): void {
    if (workspace === null) return;
    const space = this.#parts.spaces.peek(workspace.id);
    if (space?.copiedBy === id) space.copiedBy = null;
    space?.line.leave(id);
    this.#changed(workspace);
  }

  waitingOf({ id, workspace }: RunInWorkspace): { place: number; holders: string[] } | null {
    const line = workspace === null ? undefined : this.#parts.spaces.peek(workspace.id)?.line;
    const place = line?.placeOf(id) ?? null;
    return line === undefined || place === null ? null : { place, holders: line.firstHolders };
  }

  async prepare(run: RunInWorkspace, files: { from: string; into: string } | null): Promise<void> {
    const { workspace } = run;
    if (workspace === null) return;
    const { shots, dataDir, places } = this.#parts;
    this.#refuse(workspace.id);
    if (run.copiesWorkspace) await this.#closeToChanges(run, workspace.id);
    const directory = workspaceDirectory(dataDir, workspace.id);
    if (files !== null) {
      const into = relative(directory.tree, files.into);
      const { tree: root, beside } = directory;
      await putInto({ from: files.from, root, beside, into: into === '' ? [] : into.split('/') });
    }
    if (takes(workspace, 'before'))
      await shots.takeOwn(workspace.id, jobOf(directory, places), shotOf(run, 'before'), {
        metadata: { invocation_id: run.id },
        filter: workspace.filter,
        signal: run.signal,
      });
  }

  async replace({ workspace }: RunInWorkspace, tar: Readable): Promise<Omitted[]> {
    return workspace === null ? [] : this.#parts.replacer.replace(workspace.id, tar);
  }

  async conclude(
    run: RunInWorkspace,
    began: boolean,
  ): Promise<{ outcome: WorkspaceOutcome; notes: string[] }> {
    const { shots, counts, dataDir, places } = this.#parts;
    const { id, snapshot, filter } = run.workspace ?? { id: '', snapshot: null, filter: {} };
    const notes: string[] = [];
    const attempt = async <T>(what: string, call: () => Promise<T>): Promise<T | null> => {
      try {
        return await call();
      } catch (error) {
        notes.push(`${what}: ${messageOf(error)}`);
        return null;
      }
    };
    const taken = takes({ snapshot }, 'before')
      ? await attempt('the snapshot before it is not known', async () => shots.ownOf(shotOf(run, 'before')))
      : null;
    const directory = workspaceDirectory(dataDir, id);
    const after =
      began && takes({ snapshot }, 'after')
        ? await attempt('the snapshot after it could not be taken', async () =>
            shots.takeOwn(id, jobOf(directory, places), shotOf(run, 'after'), {
              metadata: { invocation_id: run.id },
              filter,
            }),
          )
        : null;
    const counted = began
      ? await attempt('the files of the workspace could not be counted', () => counts.count(id))
      : null;
    return {
      outcome: {
        id,
        snapshots: { before: taken?.id ?? null, after: after?.snapshot_id ?? null },
        bytes: counted?.bytes ?? null,
      },
      notes,
    };
  }

  open(): void {
    this.#parts.spaces.open();
  }

  pause(): void {
    this.#parts.spaces.pause();
  }

  /** Those that go on are waited for: what they bring is copied. */
  async #closeToChanges({ id, signal }: RunInWorkspace, workspace: string): Promise<void> {
    const space = this.#parts.spaces.get(workspace);
    space.copiedBy = id;
    while (space.changers > 0 && (await space.next({ signal })));
  }

  /** Throws Error in words where no run may begin in it. */
  #refuse(id: string): void {
    const row = this.#parts.store.workspaces.get(id);
    if (!row) throw new Error(`the workspace ${id} is not there any more`);
    if (row.state === 'failed') throw new Error(`the workspace ${id} could not be filled: ${row.reason}`);
    const most = inputOf(row).max_bytes ?? this.#parts.maxBytes;
    if (row.bytes > most)
      throw new Error(
        `the workspace ${id} is full: it has ${row.bytes} bytes, and at most ${most} are allowed (max_bytes)`,
      );
  }

  #lineOf({ id }: Pick<WorkspaceOfRun, 'id'>) {
    return this.#parts.spaces.get(id).line;
  }

  #changed({ id }: Pick<WorkspaceOfRun, 'id'>): void {
    const space = this.#parts.spaces.peek(id);
    if (space) this.#parts.spaces.changed(space);
  }
}

const takes = ({ snapshot }: Pick<WorkspaceOfRun, 'snapshot'>, what: 'before' | 'after'): boolean =>
  snapshot === what || snapshot === 'both';

const shotOf = ({ id, createdAt }: RunInWorkspace, what: 'before' | 'after'): OwnShot => ({
  of: id,
  what,
  madeAt: createdAt,
});
