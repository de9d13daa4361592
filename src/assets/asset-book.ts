import type { Readable } from 'node:stream';
import type { ErrorCode } from '../documents/errors.ts';

/** A version of an asset, as a run takes it. */
export interface ResolvedAsset {
  readonly name: string;
  readonly version: number;
  /** SHA-256 (hex): of the bytes of a file, of the list of a directory. */
  readonly digest: string;
  readonly type: 'file' | 'directory';
  /** Of all files in it. */
  readonly bytes: number;
}

/** As options.assets names one. */
export interface NamedAsset {
  readonly name: string;
  readonly version?: number | undefined;
  readonly digest?: string | undefined;
}

/** A run that may have an address: see callback-address. */
export interface AddressedRun {
  readonly id: string;
  readonly createdAt: number;
}

/** For who runs something with assets. */
export interface AssetBook {
  /** Throws RunwireError of this code that names the field where there is none, or its digest is another. */
  resolve(wanted: NamedAsset, at: { code: ErrorCode; path: string }): ResolvedAsset;
  /** Where this server gives it to who works for the run, from whatever machine: signed, until the run is finished. */
  address(asset: ResolvedAsset, run: AddressedRun): string;
  /**
   * Made at `place`, an absolute path of which the directory above is there and it is not. `writable` false: no mode has a
   * write bit. Not on the event loop. Rejects with the error of the file system, or the signal's reason; what was made stays.
   */
  putAt(asset: ResolvedAsset, place: string, how: { writable: boolean; signal: AbortSignal }): Promise<void>;
  /** A tree of it that may be mounted and never changes, for any user to read. It is there while the version is. */
  prepared(asset: ResolvedAsset, signal: AbortSignal): Promise<string>;
  /** The same as a tar, its names below `prefix` (or it: a file). */
  pack(asset: ResolvedAsset, prefix: string, how: { writable: boolean }): Readable;
}
