import type { DatabaseSync } from 'node:sqlite';

/** One version of an asset, which never changes. */
export interface StoredAsset {
  /** Order of making, of all versions of all names. */
  n: number;
  name: string;
  version: number;
  type: 'file' | 'directory';
  /** Of the bytes of a file, of the list of a directory. */
  digest: string;
  bytes: number;
  files: number;
  mediaType: string;
  /** ms since the epoch */
  createdAt: number;
}

/** A version that a run has. */
export interface AssetOfRun {
  name: string;
  version: number;
}

/** Writes about assets, as the redo log keeps them: see operations.ts. */
export type AssetOperation =
  | { op: 'asset'; asset: StoredAsset }
  /** `version` null: all of the name. */
  | { op: 'asset-removed'; name: string; version: number | null; order: number };

const OPERATIONS: ReadonlySet<string> = new Set<AssetOperation['op']>(['asset', 'asset-removed']);

export function isAssetOperation(operation: { op: string }): operation is AssetOperation {
  return OPERATIONS.has(operation.op);
}

/** The last so many names that are gone are remembered, so that none of their versions is made a second time. */
const REMEMBERED = 100_000;

/** How they are done. False: it changed nothing. Throws what SQLite throws. */
export function assetOperations(
  db: DatabaseSync,
  remembered = REMEMBERED,
): (operation: AssetOperation) => boolean {
  const sql = (text: string) => db.prepare(text);
  const insert = sql('INSERT INTO assets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const name = sql(`INSERT INTO asset_names VALUES (?, ?, ?, NULL)
    ON CONFLICT (name) DO UPDATE SET version = excluded.version, newest = excluded.newest, removed = NULL`);
  const remove = sql('DELETE FROM assets WHERE name = ?1 AND (?2 IS NULL OR version = ?2)');
  const settle =
    sql(`UPDATE asset_names SET newest = (SELECT max(a.n) FROM assets a WHERE a.name = asset_names.name),
    removed = iif(EXISTS (SELECT 1 FROM assets a WHERE a.name = asset_names.name), NULL, ?2) WHERE name = ?1`);
  const forget = sql('DELETE FROM asset_names WHERE removed <= ?');

  return (operation) => {
    switch (operation.op) {
      case 'asset': {
        const { n, name: of, version, type, digest, bytes, files, mediaType, createdAt } = operation.asset;
        insert.run(n, of, version, type, digest, bytes, files, mediaType, createdAt);
        name.run(of, version, n);
        return true;
      }
      case 'asset-removed':
        if (remove.run(operation.name, operation.version).changes === 0) return false;
        settle.run(operation.name, operation.order);
        forget.run(operation.order - remembered);
        return true;
    }
  };
}
