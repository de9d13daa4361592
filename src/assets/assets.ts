import type { Asset, AssetSource } from '../documents/asset.ts';
import type { Entry } from '../files/scan.ts';

/** What a version is made of: bytes, or an archive, as they come, or what the server fetches. */
export type AssetContent =
  | { from: 'body'; bytes: AsyncIterable<Buffer>; extract: boolean; mediaType: string }
  | { from: 'url'; source: AssetSource };

export interface AssetPage {
  items: Asset[];
  next_cursor: string | null;
}

/** An asset whose content is read. */
export interface ReadAsset {
  readonly asset: Asset;
  /** Descriptor of a file, for the caller to close. */
  open(): number;
  /** Everything in a directory, as `scan` has it. `after`: begin behind this path. */
  entries(after: string | null): AsyncGenerator<Entry>;
  /** Null: there is no such path in it. `parts` is a path that was checked. */
  find(parts: readonly string[]): Promise<Entry | null>;
}

/** What the query of an address says that was signed for a run. */
export interface SignedFor {
  run: string;
  /** Seconds since the epoch. */
  expires: number;
  signature: string;
}

/** What routes may ask. All throw RunwireError asset_not_found where there is none of the name. */
export interface Assets {
  /**
   * A new version, or the newest one where that is the same. `mayPut` is told the digest of the newest version, null: there is
   * none, and throws where that is not to be replaced: before anything is taken, and again when all is there. Stored when it
   * resolves; what was taken goes again where it rejects.
   */
  put(
    name: string,
    content: AssetContent,
    options: { mayPut?: (digest: string | null) => void; signal?: AbortSignal },
  ): Promise<{ asset: Asset; isNew: boolean }>;
  /** `name` or `name@version`. */
  get(reference: string): Asset;
  /** The newest version of each name, newest first. */
  list(filter: { limit: number; cursor?: string }): AssetPage;
  /** All versions of a name, newest first. */
  versions(name: string, filter: { limit: number; cursor?: string }): AssetPage;
  /** What it has stays until `read` settles, also when it is removed meanwhile. */
  reading<T>(reference: string, read: (asset: ReadAsset) => Promise<T>): Promise<T>;
  /** All versions of a name, or one of them. Throws asset_in_use, naming who needs it. */
  remove(reference: string, mayRemove?: (digest: string) => void): Promise<void>;
  /** Throws bad_signature, address_expired where the address is not one that was made for this version and an unfinished run. */
  prove(reference: string, signed: SignedFor): void;
}
