import { Contents } from '../contents/contents.ts';
import { parseAssetReference } from '../documents/asset.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import { isFinal } from '../documents/result.ts';
import { Staging } from '../files/staging.ts';
import type { Hands } from '../snapshots/hands.ts';
import type { StoredAsset } from '../store/assets.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { storeRemoval } from '../store/making-room.ts';
import { AssetAddresses } from './addresses.ts';
import { Arrivals } from './arrivals.ts';
import type { AddressedRun, AssetBook, NamedAsset, ResolvedAsset } from './asset-book.ts';
import type { AssetContent, Assets } from './assets.ts';
import { described, resolved, wordsOf } from './describe.ts';
import type { FetchParts } from './fetch.ts';
import { packed } from './pack.ts';
import { PreparedTrees } from './prepared-trees.ts';
import { readable } from './readable.ts';
import { BYTES_FROM, refuseShortage, type TakingParts } from './taking.ts';
import { type AssetUser, usersOf } from './users.ts';

export const MAX_ASSETS = 10_000;
/** Of one name. */
export const MAX_VERSIONS = 1000;

export interface StoredAssetsParts
  extends Pick<TakingParts, 'places' | 'maxBytes' | 'sync'>,
    Pick<FetchParts, 'guard' | 'secrets' | 'patience'> {
  dataDir: string;
  /** Of one directory. */
  maxFiles: number;
  store: Pick<InvocationStore, 'assets' | 'specs' | 'get' | 'committed' | 'reuseLog'>;
  hands: Hands;
  disk: TakingParts['disk'] & { spendReserve(): void };
  /** Signs addresses. */
  key: Buffer;
  /** Address of this server as others reach it, without a slash at its end. */
  base: () => string;
  /** Contents that nothing holds go, some time after this. */
  sweepLater: () => void;
  /** Who needs assets, beside runs and environment specs. Absent: nobody. */
  usedBy?: () => Iterable<AssetUser>;
  log: { info(facts: object, words: string): void; warn(facts: object, words: string): void };
  /** Smaller in tests. */
  caps?: { assets: number; versions: number };
}

/** The assets of a server. */
export class StoredAssets implements AssetBook, Assets {
  readonly #parts: StoredAssetsParts;
  readonly #caps;
  readonly #contents: Contents;
  readonly #arrivals: Arrivals;
  readonly #trees: PreparedTrees;
  readonly #addresses: AssetAddresses;
  readonly #closing = new AbortController();
  readonly #going = new Set<Promise<unknown>>();

  constructor(parts: StoredAssetsParts) {
    const { dataDir, store, hands, key, base, maxBytes, maxFiles, sync } = parts;
    this.#parts = parts;
    this.#caps = parts.caps ?? { assets: MAX_ASSETS, versions: MAX_VERSIONS };
    this.#contents = new Contents(dataDir, { fsync: sync });
    const staging = new Staging(dataDir, { bytes: maxBytes, files: maxFiles }, false, BYTES_FROM);
    this.#arrivals = new Arrivals({ ...parts, contents: this.#contents, staging });
    this.#trees = new PreparedTrees(dataDir, hands, (of) => store.assets.isHeld(of));
    this.#addresses = new AssetAddresses(key, base);
  }

  /** Once, at the start, before anybody asks: what an earlier server left that was never whole is removed, and told. */
  begin(): void {
    const { log } = this.#parts;
    const sweeping = (async () => {
      const count = this.#contents.sweepComing() + (await this.#trees.sweep());
      if (count > 0) log.info({ count }, 'what a crash left of assets was removed');
    })();
    this.#keep(sweeping.catch((err) => log.warn({ err }, 'sweep of assets')));
  }

  /** What comes in is given up. */
  async close(): Promise<void> {
    this.#closing.abort(
      new RunwireError('draining', 'The server is shutting down.', { retryAfterSeconds: 1 }),
    );
    await Promise.allSettled(this.#going);
  }

  readonly put: Assets['put'] = (name, content, { mayPut = () => {}, signal } = {}) => {
    const closing = this.#closing.signal;
    const asked = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    return this.#keep(this.#put(name, content, mayPut, asked));
  };

  readonly get: Assets['get'] = (reference) => described(this.#row(reference));

  readonly list: Assets['list'] = ({ limit, cursor }) =>
    pageOf(this.#parts.store.assets.page({ limit, cursor }));

  readonly versions: Assets['versions'] = (name, { limit, cursor }) => {
    const { assets } = this.#parts.store;
    if (assets.newest(name) === undefined) throw notFound(name);
    return pageOf(assets.versions(name, { limit, cursor }));
  };

  readonly reading: Assets['reading'] = (reference, read) => {
    const { hands } = this.#parts;
    const row = this.#row(reference);
    // A file stays for who has it open. For what is opened one by one a sweep waits, whatever becomes of the version.
    if (row.type === 'file') return read(readable(hands, row));
    return hands.holding(() => read(readable(hands, row)));
  };

  readonly remove: Assets['remove'] = async (reference, mayRemove = () => {}) => {
    const version = parseAssetReference(reference)?.version ?? null;
    const { store, disk, log, sweepLater } = this.#parts;
    let gone: StoredAsset[] = [];
    // Also when it comes to it a second time: others had their turn meanwhile.
    await storeRemoval(store, disk, () => {
      const row = this.#row(reference);
      const { name } = row;
      mayRemove(row.digest);
      this.#refuseUsed(name, version);
      gone = version === null ? this.#allOf(name) : [row];
      store.assets.remove(name, version);
    });
    sweepLater();
    const dropped = Promise.all(gone.map((one) => this.#trees.drop(one)));
    // From here on it is gone: what cannot be deleted now is tried again at the next start.
    this.#keep(
      dropped.catch((err) => log.warn({ asset: reference, err }, 'a tree of an asset could not be removed')),
    );
  };

  readonly prove: Assets['prove'] = (reference, signed) => {
    const { name, version } = parseAssetReference(reference) ?? { name: '', version: null };
    const run = this.#parts.store.get(signed.run);
    const known = run ? { createdAt: run.createdAt, isFinished: isFinal(run.status) } : null;
    this.#addresses.prove({ name, version: version ?? 0 }, signed, known);
  };

  resolve(
    { name, version, digest }: NamedAsset,
    { code, path }: Parameters<AssetBook['resolve']>[1],
  ): ResolvedAsset {
    const { assets } = this.#parts.store;
    const row = version === undefined ? assets.newest(name) : assets.version(name, version);
    const refuse = (message: string) => fieldRefusal(code, [{ path, message }]);
    if (row === undefined) throw refuse(noneOf(version === undefined ? name : wordsOf({ name, version })));
    if (digest !== undefined && digest !== row.digest)
      throw refuse(`the asset ${wordsOf(row)} has the digest ${row.digest}, and not ${digest}`);
    return resolved(row);
  }

  address(asset: ResolvedAsset, run: AddressedRun): string {
    return this.#addresses.of(asset, run);
  }

  async putAt(
    { type, digest, bytes }: ResolvedAsset,
    place: string,
    { writable, signal }: Parameters<AssetBook['putAt']>[2],
  ): Promise<void> {
    signal.throwIfAborted();
    const modes = writable ? 'writable' : 'readOnly';
    await this.#parts.hands.build({ type, digest, size: bytes, to: place, modes }, signal);
    signal.throwIfAborted();
  }

  prepared(asset: ResolvedAsset, signal: AbortSignal): Promise<string> {
    return this.#trees.of(asset, signal);
  }

  pack(
    asset: ResolvedAsset,
    prefix: string,
    { writable }: { writable: boolean },
  ): ReturnType<AssetBook['pack']> {
    const { hands, store } = this.#parts;
    const row = store.assets.version(asset.name, asset.version);
    return packed(hands, asset, new Date(row?.createdAt ?? 0), prefix, writable);
  }

  async #put(
    name: string,
    content: AssetContent,
    mayPut: (digest: string | null) => void,
    signal: AbortSignal,
  ): ReturnType<Assets['put']> {
    const { store, hands, disk, sweepLater } = this.#parts;
    const newest = store.assets.newest(name);
    mayPut(newest?.digest ?? null);
    refuseShortage(disk);
    if (newest === undefined) this.#refuseFull(name);
    const { arrived, mediaType } = await this.#arrivals.take(content, signal);
    try {
      return await hands.holding(async () => {
        const taken = await arrived.keep();
        signal.throwIfAborted();
        const now = store.assets.newest(name);
        mayPut(now?.digest ?? null);
        const isSame = now?.type === taken.type && now.digest === taken.digest && now.mediaType === mediaType;
        if (!isSame) this.#refuseFull(name);
        const row = isSame ? now : store.assets.insert({ name, ...taken, mediaType, createdAt: Date.now() });
        await store.committed();
        return { asset: described(row), isNew: !isSame };
      });
    } catch (error) {
      sweepLater(); // what was kept is held by nobody
      throw error;
    } finally {
      await arrived.drop();
    }
  }

  #row(reference: string): StoredAsset {
    const { assets } = this.#parts.store;
    const { name, version } = parseAssetReference(reference) ?? { name: '', version: null };
    const row = version === null ? assets.newest(name) : assets.version(name, version);
    if (row === undefined) throw notFound(reference);
    return row;
  }

  #allOf(name: string): StoredAsset[] {
    return this.#parts.store.assets.versions(name, { limit: 1e9 }).rows;
  }

  #refuseUsed(name: string, version: number | null): void {
    const { store, usedBy } = this.#parts;
    const users = usersOf(store, name, version, usedBy?.() ?? []);
    if (users.length === 0) return;
    const asset = version === null ? name : wordsOf({ name, version });
    throw new RunwireError('asset_in_use', `The asset ${asset} is used by ${users.join(', ')}.`);
  }

  /** Throws where one more is one too many. */
  #refuseFull(name: string): void {
    const { assets } = this.#parts.store;
    const { assets: names, versions } = this.#caps;
    if (assets.newest(name) === undefined && assets.countNames() >= names)
      throw new RunwireError('assets_full', `There are ${names} assets: delete one first.`);
    if (assets.countOf(name) >= versions)
      throw new RunwireError('assets_full', `${name} has ${versions} versions: delete some of them first.`);
  }

  #keep<T>(work: Promise<T>): Promise<T> {
    const over = (): void => void this.#going.delete(work);
    this.#going.add(work);
    work.then(over, over);
    return work;
  }
}

const noneOf = (reference: string): string => `there is no asset ${reference}`;

function notFound(reference: string): RunwireError {
  return new RunwireError('asset_not_found', `T${noneOf(reference).slice(1)}.`);
}

function pageOf({ rows, nextCursor }: { rows: StoredAsset[]; nextCursor: string | null }) {
  return { items: rows.map(described), next_cursor: nextCursor };
}
