import { hash } from 'node:crypto';
import type { AssetBook } from '../assets/asset-book.ts';
import type { DiskSpace } from '../disk/space.ts';
import { assetsNamed } from '../documents/asset-use.ts';
import { canonicalJson } from '../documents/canonical-json.ts';
import { parseReference } from '../documents/environment-spec.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { storeRemoval } from '../store/making-room.ts';
import type { StoredSpec } from '../store/specs.ts';
import { faultsOf, type SpecKind } from './check.ts';
import { described, documentOf, resolved } from './document.ts';
import type { EnvironmentSpecs, SpecBook } from './spec-book.ts';

/** Of one spec, as canonical JSON. */
export const MAX_SPEC_BYTES = 1024 * 1024;
export const MAX_SPECS = 10_000;
/** Of one name. */
export const MAX_VERSIONS = 1000;

export interface StoredSpecsParts {
  store: Pick<InvocationStore, 'specs' | 'committed' | 'reuseLog'>;
  kinds: readonly SpecKind[];
  disk: Pick<DiskSpace, 'shortage' | 'spendReserve'>;
  /** Absent: there are none, and specs that name one are refused. */
  assets?: Pick<AssetBook, 'resolve'>;
  /** Versions that others than runs use now. Absent: none. */
  usedElsewhere?: () => Iterable<{ name: string; version: number }>;
  /** Smaller in tests. */
  caps?: { bytes: number; specs: number; versions: number };
}

/** The environment specs of a server. */
export class StoredSpecs implements SpecBook, EnvironmentSpecs {
  readonly #parts: StoredSpecsParts;
  readonly #caps;

  constructor(parts: StoredSpecsParts) {
    this.#parts = parts;
    this.#caps = parts.caps ?? { bytes: MAX_SPEC_BYTES, specs: MAX_SPECS, versions: MAX_VERSIONS };
  }

  readonly put: EnvironmentSpecs['put'] = async (name, input, mayPut = () => {}) => {
    const { store, kinds, assets = null } = this.#parts;
    const faults = faultsOf(input, kinds, assets);
    if (faults.length > 0) throw fieldRefusal('invalid_field', faults);
    const document = documentOf(input);
    const json = canonicalJson(document);
    if (Buffer.byteLength(json) > this.#caps.bytes)
      throw new RunwireError('body_too_large', `An environment spec has at most ${this.#caps.bytes} bytes.`);
    const digest = hash('sha256', json);
    const newest = store.specs.newest(name);
    mayPut(newest?.digest ?? null);
    const isNew = newest?.digest !== digest;
    if (isNew) this.#checkRoom(name, newest === undefined);
    const row =
      newest !== undefined && !isNew
        ? newest
        : store.specs.insert(
            { name, digest, document: JSON.stringify(document), createdAt: Date.now() },
            assetsNamed(document.assets),
          );
    await store.committed();
    if (isNew) this.sweep();
    return { spec: described(row), isNew };
  };

  readonly get: EnvironmentSpecs['get'] = (reference) => described(this.#row(reference));

  readonly list: EnvironmentSpecs['list'] = ({ limit, cursor }) =>
    pageOf(this.#parts.store.specs.page({ limit, cursor }));

  readonly versions: EnvironmentSpecs['versions'] = (name, { limit, cursor }) => {
    const { specs } = this.#parts.store;
    if (specs.newest(name) === undefined) throw notFound(name);
    return pageOf(specs.versions(name, { limit, cursor }));
  };

  readonly remove: EnvironmentSpecs['remove'] = async (name, mayRemove = () => {}) => {
    const { store, disk } = this.#parts;
    // Also when it comes to it a second time: others had their turn meanwhile.
    await storeRemoval(store, disk, () => {
      const newest = store.specs.newest(name);
      if (newest === undefined) throw notFound(name);
      mayRemove(newest.digest);
      const used = this.#used().filter((one) => one.name === name);
      store.specs.remove(
        name,
        used.map(({ version }) => version),
      );
    });
    this.sweep();
  };

  readonly resolve: SpecBook['resolve'] = (
    reference,
    at = { code: 'invalid_invocation', path: 'options.environment_spec' },
  ) => {
    const row = this.#find(reference);
    if (row !== undefined && !row.kept) return resolved(row);
    throw fieldRefusal(at.code, [{ path: at.path, message: noneOf(reference) }]);
  };

  /** What was kept of removed names for somebody goes when nobody uses it any more. At the start, and now and then. */
  sweep(): void {
    const { specs } = this.#parts.store;
    const kept = specs.kept();
    if (kept.length === 0) return;
    const used = new Set(this.#used().map(wordsOf));
    try {
      for (const row of kept) if (!used.has(wordsOf(row))) specs.drop(row.n);
    } catch {
      // Told by the store's onRollback. They are seen by nobody, and go the next time.
    }
  }

  #row(reference: string): StoredSpec {
    const row = this.#find(reference);
    const isThere = row && (!row.kept || this.#used().some((one) => wordsOf(one) === wordsOf(row)));
    if (isThere) return row;
    throw notFound(reference);
  }

  #find(reference: string): (StoredSpec & { kept?: boolean }) | undefined {
    const { specs } = this.#parts.store;
    const { name, version } = parseReference(reference) ?? { name: '', version: null };
    return version === null ? specs.newest(name) : specs.version(name, version);
  }

  #used(): { name: string; version: number }[] {
    const { store, usedElsewhere } = this.#parts;
    return [...store.specs.used(), ...(usedElsewhere?.() ?? [])];
  }

  /** Throws where one more is one too many. */
  #checkRoom(name: string, isFirst: boolean): void {
    const { store, disk } = this.#parts;
    const shortage = disk.shortage();
    if (shortage !== null)
      throw new RunwireError('insufficient_storage', shortage, { retryAfterSeconds: 10 });
    const { specs, versions } = this.#caps;
    if (isFirst && store.specs.countNames() >= specs)
      throw new RunwireError('specs_full', `There are ${specs} environment specs: delete one first.`);
    if (store.specs.countOf(name) >= versions)
      throw new RunwireError(
        'specs_full',
        `${name} has ${versions} versions: delete it, and put it again; it goes on with the next number.`,
      );
  }
}

const wordsOf = ({ name, version }: { name: string; version: number }): string => `${name}@${version}`;

const noneOf = (reference: string): string => `there is no environment spec ${reference}`;

function notFound(reference: string): RunwireError {
  return new RunwireError('spec_not_found', `T${noneOf(reference).slice(1)}.`);
}

function pageOf({ rows, nextCursor }: { rows: StoredSpec[]; nextCursor: string | null }) {
  return { items: rows.map(described), next_cursor: nextCursor };
}
