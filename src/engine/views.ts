import { existsSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { PrivatePlaces } from '../disk/private-places.ts';
import { artifactFile, type RunDirectory, runDirectory } from '../disk/run-directory.ts';
import type { ArtifactDescriptor } from '../documents/artifact.ts';
import { newDelivery } from '../documents/delivery.ts';
import { RunwireError } from '../documents/errors.ts';
import { type ExactInvocation, exactInvocation } from '../documents/exact-invocation.ts';
import type { Invocation } from '../documents/invocation.ts';
import type { Record as RunRecord } from '../documents/record.ts';
import type { Status } from '../documents/result.ts';
import { CHANNELS } from '../documents/stream.ts';
import type { Waiting } from '../documents/waiting.ts';
import { type WorkspaceOfRun, workspaceOf } from '../documents/workspace-use.ts';
import type { EventLog } from '../log/event-log.ts';
import type { ChurnMap } from '../platform/churn-map.ts';
import { parseJson } from '../platform/json-parse.ts';
import { makeDirectory } from '../platform/make-directory.ts';
import type { FinishedFacts } from '../run/finished-facts.ts';
import type { LiveRun } from '../run/live-run.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import type { StoredRun } from '../store/run-list.ts';
import type { ChangingTree, Workspaces } from '../workspaces/workspaces.ts';
import type { Engine, ListFilter } from './engine.ts';
import { FinishedRuns, type LastReaders } from './finished-runs.ts';
import { RecentRecords } from './recent-records.ts';
import { recordJson } from './record-json.ts';
import type { Registry } from './registry.ts';

/** What can be read of runs: the live ones from memory, the others from the store. */
export class RunViews {
  readonly finished: FinishedRuns;
  readonly #recent = new RecentRecords();
  readonly #dataDir: string;
  readonly #live: Pick<ChurnMap<string, LiveRun>, 'get' | 'has'>;
  readonly #store: InvocationStore;
  readonly #places: PrivatePlaces;
  readonly #registry: Pick<Registry, 'kindOf' | 'rxpKindOf'>;
  readonly #waitingOf: (run: LiveRun) => Waiting | null;
  readonly #spaces: Pick<Workspaces, 'tree' | 'changing' | 'reading'> | null;

  constructor(
    dataDir: string,
    live: Pick<ChurnMap<string, LiveRun>, 'get' | 'has'>,
    {
      store,
      places,
      registry,
      waitingOf,
      spaces = null,
    }: {
      store: InvocationStore;
      places: PrivatePlaces;
      registry: Pick<Registry, 'kindOf' | 'rxpKindOf'>;
      /** What a run waits for; null: for nothing. */
      waitingOf: (run: LiveRun) => Waiting | null;
      /** Null: there are no workspaces. */
      spaces?: Pick<Workspaces, 'tree' | 'changing' | 'reading'> | null;
    },
  ) {
    this.#dataDir = dataDir;
    this.#live = live;
    this.#store = store;
    this.#places = places;
    this.#registry = registry;
    this.#waitingOf = waitingOf;
    this.#spaces = spaces;
    this.finished = new FinishedRuns(dataDir);
  }

  has(id: string): boolean {
    return this.#live.has(id) || this.#store.get(id) !== undefined;
  }

  status(id: string): Status {
    return (this.#live.get(id) ?? this.#recent.get(id) ?? this.stored(id)).status;
  }

  /** The record as one line of JSON. */
  recordJson(id: string): string {
    const run = this.#live.get(id);
    return run ? liveJson(run, this.#waitingOf(run)) : recordJson(this.#recent.get(id) ?? this.stored(id));
  }

  record(id: string): RunRecord {
    return parseJson(this.recordJson(id)) as RunRecord;
  }

  /** The invocation as RxP knows it. */
  exactInvocation(id: string): ExactInvocation {
    const { invocation, runtime_kind } = this.record(id);
    return exactInvocation(invocation, this.#registry.rxpKindOf(runtime_kind));
  }

  list(filter: ListFilter): { items: string[]; nextCursor: string | null } {
    const word = filter.runtimeKind;
    const runtimeKind = word === undefined ? undefined : this.#registry.kindOf(word);
    const { rows, nextCursor } = this.#store.list({ ...filter, runtimeKind });
    return { items: rows.map((row) => this.#storedJson(row)), nextCursor };
  }

  #storedJson(row: StoredRun): string {
    const run = row.finishedAt === null ? this.#live.get(row.id) : undefined;
    return recordJson(row, run && this.#waitingOf(run));
  }

  log(id: string): EventLog {
    return this.#live.get(id)?.log ?? this.finished.log(this.stored(id));
  }

  directory(id: string): RunDirectory {
    return this.#live.get(id)?.directory ?? runDirectory(this.#dataDir, this.stored(id).directory);
  }

  artifacts(id: string): ArtifactDescriptor[] {
    return this.record(id).result?.artifacts ?? [];
  }

  /** The descriptor and the file with the bytes of an artifact. */
  artifactPath(id: string, artifactId: string): ReturnType<Engine['artifactPath']> {
    const { result, outcome } = this.record(id);
    const descriptor = result?.artifacts.find(({ artifact_id }) => artifact_id === artifactId);
    if (!descriptor) {
      const why = result === null ? `${id} has not finished: it has no artifact yet` : null;
      const known = (): string => listed(result?.artifacts.map(({ artifact_id }) => artifact_id) ?? []);
      throw new RunwireError('artifact_not_found', why ?? `${id} has no artifact ${artifactId}${known()}`);
    }
    // Earlier releases collected files under ids that are setup's now.
    const isCapture = CHANNELS.some((channel) => channel === artifactId && outcome?.[channel]);
    const file = isCapture ? descriptor.path : artifactFile(this.directory(id), artifactId);
    const isPrivate = (stats: Stats, handle: number) => this.#places.look(null).holdsFile(stats, handle);
    return { descriptor, file, isPrivate };
  }

  /** Where it works, or worked, when that is a directory of its own. */
  workFiles(id: string): ReturnType<Engine['workFiles']> {
    const workspace = this.#workspaceOf(id);
    if (workspace && this.#spaces) return this.#spaces.tree(workspace.id);
    const { work } = this.directory(id);
    if (!existsSync(work))
      throw new RunwireError(
        'file_not_found',
        `${id} has no directory of its own: its files are not the server’s`,
      );
    const view = this.#places.look({ work });
    return { root: work, isPrivate: (stats, descriptor) => view.holdsFile(stats, descriptor) };
  }

  readingFiles<T>(id: string, read: () => Promise<T>): Promise<T> {
    return this.finished.reading(id, async () => {
      const workspace = this.#workspaceOf(id);
      return workspace && this.#spaces ? this.#spaces.reading(workspace.id, read) : read();
    });
  }

  async changingFiles<T>(id: string, change: (tree: ChangingTree) => Promise<T>): Promise<T> {
    const workspace = this.#workspaceOf(id);
    if (workspace && this.#spaces) return this.#spaces.changing(workspace.id, change);
    const tree = this.workFiles(id);
    const beside = join(this.directory(id).root, 'beside');
    makeDirectory(beside, 0o700);
    // As much as there is disk.
    return change({ ...tree, beside, take: async () => {} });
  }

  /** The workspace that it worked in, by its id, or the directory of its own. Throws file_not_found where it has none. */
  placeOf(id: string): { workspace: string } | { directory: string } {
    const workspace = this.#workspaceOf(id);
    return workspace === null ? { directory: this.workFiles(id).root } : { workspace: workspace.id };
  }

  #workspaceOf(id: string): WorkspaceOfRun | null {
    const run = this.#live.get(id);
    if (run) return run.workspace;
    const { options } = parseJson(this.stored(id).invocation) as Invocation;
    return workspaceOf(options.workspace);
  }

  /** It is live no more: keep what those who waited for it will ask for. */
  finish(run: LiveRun, { status, finishedAt, documents }: FinishedFacts): void {
    const { id, createdAt, startedAt, invocationJson: invocation, log } = run;
    this.finished.adopt(id, log);
    const delivery = newDelivery(run.invocation)?.delivery ?? null;
    const times = { createdAt, startedAt, finishedAt };
    const { kind: runtimeKind } = run.runner;
    const environmentSpec = specJson(run);
    this.#recent.keep({
      ...{ id, runtimeKind, status, ...times, invocation, ...documents, delivery, environmentSpec },
    });
  }

  /** It is being removed, and its files are in `directory` now; if it stays after all, they are in `home` again. */
  depart(id: string, directory: RunDirectory, home: RunDirectory): LastReaders {
    this.#recent.forget(id);
    return this.finished.depart(id, directory, home);
  }

  /** Throws RunwireError invocation_not_found, invocation_removed. */
  stored(id: string): StoredRun {
    const run = this.#store.get(id);
    if (run) return run;
    const removed = this.#store.removed(id);
    if (!removed) throw new RunwireError('invocation_not_found', `There is no invocation ${id}`);
    const time = new Date(removed.removedAt).toISOString();
    const how = removed.reason === 'retention' ? 'removed by retention' : 'deleted';
    throw new RunwireError('invocation_removed', `The invocation ${id} was ${how} at ${time}`);
  }
}

function liveJson(run: LiveRun, waiting: Waiting | null): string {
  const { id, status, createdAt, startedAt, invocationJson } = run;
  const delivery = newDelivery(run.invocation)?.delivery ?? null;
  const unfinished = { finishedAt: null, result: null, outcome: null, delivery };
  const { kind: runtimeKind } = run.runner;
  return recordJson(
    {
      ...{ id, runtimeKind, status, createdAt, startedAt, invocation: invocationJson, ...unfinished },
      environmentSpec: specJson(run),
    },
    waiting,
  );
}

function specJson({ environmentSpec }: LiveRun): string | null {
  return environmentSpec && JSON.stringify(environmentSpec);
}

/** A run may have thousands. */
const MOST_LISTED = 20;

function listed(ids: readonly string[]): string {
  if (ids.length === 0) return '';
  const more = ids.length > MOST_LISTED ? ` and ${ids.length - MOST_LISTED} more` : '';
  return `: there is ${ids.slice(0, MOST_LISTED).join(', ')}${more}`;
}
