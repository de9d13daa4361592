import type { DatabaseSync } from 'node:sqlite';

/** One version of an environment spec, which never changes. */
export interface StoredSpec {
  /** Order of making, of all versions of all names. */
  n: number;
  name: string;
  version: number;
  digest: string;
  /** JSON. */
  document: string;
  /** ms since the epoch */
  createdAt: number;
}

/** The version that an invocation was made with. */
export interface SpecOfRun {
  name: string;
  version: number;
  digest: string;
}

/** An asset that a spec names. Null: its newest version. */
export interface AssetOfSpec {
  name: string;
  version: number | null;
}

/** Writes about environment specs, as the redo log keeps them: see operations.ts. */
export type SpecOperation =
  | { op: 'spec'; spec: StoredSpec; assets?: readonly AssetOfSpec[] }
  /** The name is gone; `kept`: versions that somebody still uses. */
  | { op: 'spec-removed'; name: string; order: number; kept: number[] }
  /** Nobody uses that version of a name that was gone any more. */
  | { op: 'spec-dropped'; n: number };

const OPERATIONS: ReadonlySet<string> = new Set<SpecOperation['op']>([
  'spec',
  'spec-removed',
  'spec-dropped',
]);

export function isSpecOperation(operation: { op: string }): operation is SpecOperation {
  return OPERATIONS.has(operation.op);
}

/** The last so many names that are gone are remembered, so that none of their versions is made a second time. */
const REMEMBERED = 100_000;

/** How they are done. False: it changed nothing. Throws what SQLite throws. */
export function specOperations(
  db: DatabaseSync,
  remembered = REMEMBERED,
): (operation: SpecOperation) => boolean {
  const sql = (text: string) => db.prepare(text);
  const insert = sql('INSERT INTO specs VALUES (?, ?, ?, ?, ?, ?, 0)');
  const name = sql(`INSERT INTO spec_names VALUES (?, ?, ?, NULL)
    ON CONFLICT (name) DO UPDATE SET version = excluded.version, newest = excluded.newest, removed = NULL`);
  const removeName = sql(
    'UPDATE spec_names SET newest = NULL, removed = ? WHERE name = ? AND newest IS NOT NULL',
  );
  const forget = sql('DELETE FROM spec_names WHERE removed <= ?');
  const keep = sql('UPDATE specs SET kept = 1 WHERE name = ? AND version = ?');
  const removeVersions = sql('DELETE FROM specs WHERE name = ? AND kept = 0');
  const drop = sql('DELETE FROM specs WHERE n = ? AND kept = 1');
  const asset = sql('INSERT INTO spec_assets VALUES (?, ?, ?)');
  const removeAssets = sql(`DELETE FROM spec_assets
    WHERE n IN (SELECT n FROM specs WHERE name = ? AND kept = 0)`);
  const dropAssets = sql('DELETE FROM spec_assets WHERE n IN (SELECT n FROM specs WHERE n = ? AND kept = 1)');

  return (operation) => {
    switch (operation.op) {
      case 'spec': {
        const { spec } = operation;
        insert.run(spec.n, spec.name, spec.version, spec.digest, spec.document, spec.createdAt);
        name.run(spec.name, spec.version, spec.n);
        for (const one of operation.assets ?? []) asset.run(spec.n, one.name, one.version);
        return true;
      }
      case 'spec-removed': {
        if (removeName.run(operation.order, operation.name).changes === 0) return false;
        for (const version of operation.kept) keep.run(operation.name, version);
        removeAssets.run(operation.name);
        removeVersions.run(operation.name);
        forget.run(operation.order - remembered);
        return true;
      }
      case 'spec-dropped':
        dropAssets.run(operation.n);
        return drop.run(operation.n).changes === 1;
    }
  };
}
