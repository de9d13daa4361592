import type { DatabaseSync } from 'node:sqlite';
import type { StoredAsset } from './asset-operations.ts';
import type { GroupCommit } from './group-commit.ts';
import type { StoreOperation } from './operations.ts';
import { decodeCursor, takePage } from './page-cursor.ts';

export type { AssetOfRun, StoredAsset } from './asset-operations.ts';

const COLUMNS =
  'a.n, a.name, a.version, a.type, a.digest, a.bytes, a.files, a.media_type AS mediaType, a.created_at AS createdAt';

type Page = { rows: StoredAsset[]; nextCursor: string | null };
type PageOptions = { limit: number; cursor?: string | undefined };

/** Versions of assets. Writes are durable when the store's `committed()` says so. */
export class AssetRows {
  readonly #group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>;
  readonly #sql;
  #lastN: number;
  #lastRemoval: number;

  constructor(db: DatabaseSync, group: Pick<GroupCommit<StoreOperation>, 'write' | 'ready'>) {
    this.#group = group;
    const sql = (text: string) => db.prepare(text);
    this.#sql = {
      last: sql('SELECT coalesce(max(version), 0) AS version FROM asset_names WHERE name = ?'),
      names: sql('SELECT count(*) AS count FROM asset_names WHERE newest IS NOT NULL'),
      newest: sql(`SELECT ${COLUMNS} FROM asset_names m JOIN assets a ON a.n = m.newest WHERE m.name = ?`),
      version: sql(`SELECT ${COLUMNS} FROM assets a WHERE a.name = ? AND a.version = ?`),
      count: sql('SELECT count(*) AS count FROM assets WHERE name = ?'),
      page: sql(`SELECT ${COLUMNS} FROM asset_names m JOIN assets a ON a.n = m.newest
        WHERE m.newest < ? ORDER BY m.newest DESC LIMIT ?`),
      versions: sql(`SELECT ${COLUMNS} FROM assets a WHERE a.name = ? AND a.n < ? ORDER BY a.n DESC LIMIT ?`),
      digests: sql('SELECT DISTINCT type, digest FROM assets'),
      isHeld: sql('SELECT 1 FROM assets WHERE digest = ? AND type = ? LIMIT 1'),
      users: sql(`SELECT id, count(*) OVER () AS count FROM (
          SELECT DISTINCT r.n, r.id FROM runs r JOIN run_assets u ON u.n = r.n, json_each(u.assets) a
          WHERE r.status IN ('pending', 'running') AND a.value ->> 'name' = ?1
            AND (?2 IS NULL OR a.value ->> 'version' = ?2)) ORDER BY n LIMIT ?3`),
    };
    this.#lastN = Number(db.prepare('SELECT max(n) AS n FROM assets').get()?.n ?? 0);
    this.#lastRemoval = Number(db.prepare('SELECT max(removed) AS n FROM asset_names').get()?.n ?? 0);
  }

  /** The next version of the name, also of one that was removed. */
  insert({ name, ...asset }: Omit<StoredAsset, 'n' | 'version'>): StoredAsset {
    this.#group.ready();
    const version = Number(this.#sql.last.get(name)?.version) + 1;
    const row = { n: this.#lastN + 1, name, version, ...asset };
    this.#group.write({ op: 'asset', asset: row });
    this.#lastN = row.n;
    return row;
  }

  newest(name: string): StoredAsset | undefined {
    this.#group.ready();
    return this.#sql.newest.get(name) as StoredAsset | undefined;
  }

  version(name: string, version: number): StoredAsset | undefined {
    this.#group.ready();
    return this.#sql.version.get(name, version) as StoredAsset | undefined;
  }

  /** Versions of a name. */
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
    return takePage<StoredAsset>(this.#sql.page.iterate(decodeCursor(cursor), limit + 1), limit, () => []);
  }

  /** All versions of a name, in the same way. */
  versions(name: string, { limit, cursor }: PageOptions): Page {
    this.#group.ready();
    const found = this.#sql.versions.iterate(name, decodeCursor(cursor), limit + 1);
    return takePage<StoredAsset>(found, limit, () => []);
  }

  /** `version` null: all of the name. False: there is none. */
  remove(name: string, version: number | null): boolean {
    const order = this.#lastRemoval + 1;
    if (!this.#group.write({ op: 'asset-removed', name, version, order })) return false;
    this.#lastRemoval = order;
    return true;
  }

  /** What any version is: of files the hashes of their bytes, of directories those of their lists. */
  digests(type: StoredAsset['type']): string[] {
    this.#group.ready();
    return this.#sql.digests.all().flatMap((row) => (row.type === type ? (row.digest as string) : []));
  }

  /** Is any version this. */
  isHeld({ type, digest }: Pick<StoredAsset, 'type' | 'digest'>): boolean {
    this.#group.ready();
    return this.#sql.isHeld.get(digest, type) !== undefined;
  }

  /** Unfinished runs that have this version of it; null: any. The first so many, and how many there are. */
  users(name: string, version: number | null, limit: number): { ids: string[]; count: number } {
    this.#group.ready();
    const rows = this.#sql.users.all(name, version, limit);
    return { ids: rows.map(({ id }) => id as string), count: Number(rows[0]?.count ?? 0) };
  }
}
