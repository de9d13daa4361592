import type { DatabaseSync } from 'node:sqlite';
import type { GroupCommit } from './group-commit.ts';
import type { StoreOperation } from './operations.ts';
import { decodeCursor, takePage } from './page-cursor.ts';
import type { AssetOfSpec, StoredSpec } from './spec-operations.ts';

export type { AssetOfSpec, SpecOfRun, StoredSpec } from './spec-operations.ts';

const COLUMNS = 's.n, s.name, s.version, s.digest, s.document, s.created_at AS createdAt';

type Page = { rows: StoredSpec[]; nextCursor: string | null };
type PageOptions = { limit: number; cursor?: string | undefined };

/** Versions of environment specs. Writes are durable when the store's `committed()` says so. */
export class SpecRows {
  readonly #group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>;
  readonly #sql;
  #lastN: number;
  #lastRemoval: number;

  constructor(db: DatabaseSync, group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>) {
    this.#group = group;
    const sql = (text: string) => db.prepare(text);
    this.#sql = {
      // Also of a name that is no longer remembered, and of which something is kept.
      last: sql(`SELECT max((SELECT coalesce(max(version), 0) FROM spec_names WHERE name = ?1),
        (SELECT coalesce(max(version), 0) FROM specs WHERE name = ?1)) AS version`),
      names: sql('SELECT count(*) AS count FROM spec_names WHERE newest IS NOT NULL'),
      newest: sql(`SELECT ${COLUMNS} FROM spec_names m JOIN specs s ON s.n = m.newest WHERE m.name = ?`),
      version: sql(`SELECT ${COLUMNS}, s.kept FROM specs s WHERE s.name = ? AND s.version = ?`),
      count: sql('SELECT count(*) AS count FROM specs WHERE name = ? AND kept = 0'),
      page: sql(`SELECT ${COLUMNS} FROM spec_names m JOIN specs s ON s.n = m.newest
        WHERE m.newest < ? ORDER BY m.newest DESC LIMIT ?`),
      versions: sql(`SELECT ${COLUMNS} FROM specs s
        WHERE s.name = ? AND s.kept = 0 AND s.n < ? ORDER BY s.version DESC LIMIT ?`),
      kept: sql('SELECT n, name, version FROM specs WHERE kept = 1'),
      naming: sql(`SELECT s.name, s.version, a.version AS asset FROM spec_assets a JOIN specs s ON s.n = a.n
        WHERE a.name = ? AND s.kept = 0 ORDER BY s.n`),
      assetsOf: sql(`SELECT a.name, a.version FROM specs s JOIN spec_assets a ON a.n = s.n
        WHERE s.name = ? AND s.version = ?`),
      used: sql(`SELECT DISTINCT u.name, u.version FROM runs r JOIN run_specs u ON u.n = r.n
        WHERE r.status IN ('pending', 'running')`),
    };
    this.#lastN = Number(db.prepare('SELECT max(n) AS n FROM specs').get()?.n ?? 0);
    this.#lastRemoval = Number(db.prepare('SELECT max(removed) AS n FROM spec_names').get()?.n ?? 0);
  }

  /** The next version of the name, also of one that was removed. */
  insert(
    { name, ...spec }: Omit<StoredSpec, 'n' | 'version'>,
    assets: readonly AssetOfSpec[] = [],
  ): StoredSpec {
    this.#group.ready();
    const version = Number(this.#sql.last.get(name)?.version) + 1;
    const row = { n: this.#lastN + 1, name, version, ...spec };
    this.#group.write({ op: 'spec', spec: row, ...(assets.length > 0 && { assets: [...assets] }) });
    this.#lastN = row.n;
    return row;
  }

  newest(name: string): StoredSpec | undefined {
    this.#group.ready();
    return this.#sql.newest.get(name) as StoredSpec | undefined;
  }

  /** `kept`: its name was removed, and it is there for who used it then. */
  version(name: string, version: number): (StoredSpec & { kept: boolean }) | undefined {
    this.#group.ready();
    const row = this.#sql.version.get(name, version) as (StoredSpec & { kept: number }) | undefined;
    return row && { ...row, kept: row.kept === 1 };
  }

  /** Versions of a name, without those that are kept. */
  countOf(name: string): number {
    this.#group.ready();
    return Number(this.#sql.count.get(name)?.count);
  }

  countNames(): number {
    this.#group.ready();
    return Number(this.#sql.names.get()?.count);
  }

  /** The newest version of each name, newest first. Throws RunwireError bad_request for a cursor that is not ours. */
  page({ limit, cursor }: PageOptions): Page {
    this.#group.ready();
    return pageOf(this.#sql.page.iterate(decodeCursor(cursor), limit + 1), limit);
  }

  /** All versions of a name, in the same way. */
  versions(name: string, { limit, cursor }: PageOptions): Page {
    this.#group.ready();
    return pageOf(this.#sql.versions.iterate(name, decodeCursor(cursor), limit + 1), limit);
  }

  /** False: there is none of the name. */
  remove(name: string, kept: readonly number[]): boolean {
    const order = this.#lastRemoval + 1;
    if (!this.#group.write({ op: 'spec-removed', name, order, kept: [...kept] })) return false;
    this.#lastRemoval = order;
    return true;
  }

  /** Versions that are there only for who uses them. */
  kept(): { n: number; name: string; version: number }[] {
    this.#group.ready();
    return this.#sql.kept.all() as { n: number; name: string; version: number }[];
  }

  drop(n: number): void {
    this.#group.write({ op: 'spec-dropped', n });
  }

  /** Versions that name the asset: that version of it, or, with a null of theirs, its newest. Not those that are kept. */
  naming(asset: string): { name: string; version: number; asset: number | null }[] {
    this.#group.ready();
    return this.#sql.naming.all(asset) as { name: string; version: number; asset: number | null }[];
  }

  /** Assets that a version names, also one that is kept. */
  assetsOf(name: string, version: number): AssetOfSpec[] {
    this.#group.ready();
    return this.#sql.assetsOf.all(name, version) as unknown as AssetOfSpec[];
  }

  /** What unfinished runs were made with. */
  used(): { name: string; version: number }[] {
    this.#group.ready();
    return this.#sql.used.all() as { name: string; version: number }[];
  }
}

function pageOf(found: Iterable<unknown>, limit: number): Page {
  return takePage<StoredSpec>(found, limit, ({ document }) => [document]);
}
