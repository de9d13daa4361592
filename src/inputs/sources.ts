import { createHash } from 'node:crypto';
import { readlinkSync, type Stats } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { HAS_PROC } from '../artifacts/open-inside.ts';
import type { AssetBook, ResolvedAsset } from '../assets/asset-book.ts';
import { Rejected } from '../contract/outcome.ts';
import type { PrivateView } from '../disk/private-view.ts';
import { RunwireError } from '../documents/errors.ts';
import { type FileBytes, withFileBytes } from '../files/file-bytes.ts';
import { bytePath } from '../platform/byte-path.ts';
import { codeOf } from '../platform/error-words.ts';
import { isInside } from '../platform/inside.ts';
import { hidesItsLength, isOfProc } from '../platform/kernel-file.ts';
import { removeTree } from '../platform/remove-tree.ts';
import type { ArtifactsOfRuns } from './artifacts.ts';

/** What an input is made of, while it is open. */
export interface Bytes {
  readonly size: number;
  /** All of them, from the beginning; a buffer is good until the next is asked for. Throws Rejected where they are not what they were. */
  read(): AsyncIterable<Buffer>;
}

/** Calls `use` with it. Rejects with Rejected where it is not there any more. */
export type Source = <T>(use: (bytes: Bytes) => Promise<T>) => Promise<T>;

export function givenBytes(bytes: Buffer): Source {
  return (use) =>
    use({
      size: bytes.length,
      async *read() {
        if (bytes.length > 0) yield bytes;
      },
    });
}

/** `sha256`: what it was when the run was accepted. */
export function artifactBytes(
  { run, artifact, sha256 }: { run: string; artifact: string; sha256: string },
  artifacts: ArtifactsOfRuns,
): Source {
  const words = (what: string) => new Rejected(`${artifact} of ${run} ${what}`);
  return async (use) => {
    const { descriptor, file, isPrivate } = found(artifacts, run, artifact);
    const { size_bytes, sha256: now } = descriptor.metadata;
    if (now !== sha256) throw words('is another one by now');
    return artifacts.reading(run, () =>
      withFileBytes(
        file,
        async (bytes) => {
          if (bytes === null) throw words('is no longer kept');
          const { size } = bytes;
          if (String(size) !== size_bytes) throw words('was changed since it was kept');
          const changed = () => words('was changed since it was kept');
          return use({ size, read: () => proven(bytes.read(0, size), sha256, changed) });
        },
        isPrivate,
      ),
    );
  };
}

/** An asset that is a file. It is put `aside` meanwhile, where nothing is. */
export function assetBytes(
  asset: ResolvedAsset,
  book: AssetBook,
  aside: string,
  signal: AbortSignal,
): Source {
  return async (use) => {
    try {
      await book.putAt(asset, aside, { writable: false, signal });
      return await withFileBytes(aside, async (bytes) => {
        if (bytes === null) throw new Rejected(`the asset ${asset.name}@${asset.version} is no file`);
        const { size } = bytes;
        return use({ size, read: () => bytes.read(0, size) });
      });
    } finally {
      await removeTree(Buffer.from(aside));
    }
  };
}

function found(artifacts: ArtifactsOfRuns, run: string, artifact: string) {
  try {
    return artifacts.artifactPath(run, artifact);
  } catch (error) {
    throw error instanceof RunwireError ? new Rejected(error.message) : error;
  }
}

async function* proven(
  source: AsyncIterable<Buffer>,
  sha256: string,
  changed: () => Error,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const bytes of source) {
    hash.update(bytes);
    yield bytes;
  }
  if (hash.digest('hex') !== sha256) throw changed();
}

/** A file of this machine. `confinedTo`: what is named as in this directory is no file elsewhere; null: there is none. */
export function fileBytes(path: string, view: () => PrivateView, confinedTo: string | null): Source {
  return async (use) => {
    const root =
      confinedTo !== null && isInside(confinedTo, path) ? bytePath(await realpath(confinedTo)) : null;
    const seen = view();
    let why = 'is not a regular file';
    const refuses = (stats: Stats, descriptor: number): boolean => {
      const at = bytePath(
        HAS_PROC ? readlinkSync(`/proc/self/fd/${descriptor}`, { encoding: 'buffer' }) : real,
      );
      if (seen.holdsOpen(at, stats, descriptor)) why = 'leads to the data of the server';
      else if (root !== null && !isInside(root, at)) why = 'leads out of the working directory over a link';
      else if (isOfProc(descriptor)) why = 'is a file of /proc, which has no content of its own';
      else if (hidesItsLength(descriptor)) why = 'has more bytes than its size says';
      else return false;
      return true;
    };
    const real = await realPathOf(path);
    return withFileBytes(
      real,
      async (bytes: FileBytes | null) => {
        if (bytes === null) throw new Rejected(`${path} ${why}`);
        return use({ size: bytes.size, read: () => whole(bytes, path) });
      },
      refuses,
    );
  };
}

async function* whole({ size, read }: FileBytes, path: string): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const bytes of read(0, size)) {
    length += bytes.length;
    yield bytes;
  }
  if (length < size) throw new Rejected(`${path} got shorter while it was read`);
}

async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = codeOf(error);
    throw new Rejected(code === 'ENOENT' ? `${path} does not exist` : `${path} cannot be read (${code})`);
  }
}
