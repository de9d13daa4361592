import type { Stats } from 'node:fs';
import { basename, posix } from 'node:path';
import { lookup } from 'mime-types';
import { artifactFile, type RunDirectory } from '../disk/run-directory.ts';
import { type ArtifactFacts, TAR_TYPE } from '../documents/artifact.ts';
import type { Output } from '../documents/declared-files.ts';
import type { BytePath } from '../platform/byte-path.ts';
import { isInside } from '../platform/inside.ts';
import type { CountedCaps } from './caps.ts';
import { keepBytes, keepCopy } from './copy.ts';
import { type Bounds, descriptorPath, LeftOut } from './open-inside.ts';
import { type OpenOutput, openOutput } from './open-output.ts';
import { makeStorage, timeOf } from './storage.ts';

/** An output that is not there, or is not kept, and why. */
export interface MissingOutput {
  id: string;
  /** As it was declared. */
  path: string;
  reason: string;
}

/**
 * A tar of all that is in a directory, its names below it; a buffer is good until the next is asked for. `leaveOut` is told of
 * what has no content. Throws LeftOut for what cannot be told or read.
 */
export type DirectoryTar = (
  of: { root: string; isPrivate: (stats: Stats, descriptor: number) => boolean; maxEntries: number },
  leaveOut: (path: string, reason: string) => void,
) => AsyncIterable<Buffer>;

export interface OutputTools {
  directory: RunDirectory;
  caps: CountedCaps;
  maxEntries: number;
  tarOf: DirectoryTar;
  leaveOut(path: string, reason: string): void;
  signal?: AbortSignal | undefined;
}

/** Keeps what was declared, one after the other. */
export class KeptOutputs {
  readonly #tools: OutputTools;
  readonly #kept: BytePath[] = [];

  constructor(tools: OutputTools) {
    this.#tools = tools;
  }

  /** What is there is kept from elsewhere. */
  keptAs(path: BytePath): void {
    this.#kept.push(path);
  }

  /** Is it kept already, by itself or in a directory that is. */
  has(path: BytePath): boolean {
    return this.#kept.some((kept) => isInside(kept, path));
  }

  /** `at`: where it is, below the root. Throws LeftOut, or the error met: then nothing is kept of it. */
  async keep(bounds: Bounds, shown: string, output: Output, at: string): Promise<ArtifactFacts> {
    const { directory } = this.#tools;
    const { id, path } = output;
    const opened = await openOutput(bounds, at);
    try {
      await makeStorage(directory);
      const isDirectory = opened.stats.isDirectory();
      const copied = isDirectory
        ? await this.#keepDirectory(bounds, opened, output)
        : await this.#keepFile(opened, id);
      this.#kept.push(...opened.places);
      return {
        id,
        path: posix.join(shown, path),
        kind: output.kind ?? (isDirectory ? 'directory' : 'file'),
        description: output.description ?? path,
        ...copied,
        mediaType: isDirectory ? TAR_TYPE : lookup(basename(path)) || 'application/octet-stream',
        modifiedAt: timeOf(opened.stats.mtimeMs),
      };
    } finally {
      await opened.handle.close();
    }
  }

  async #keepFile({ handle, stats }: OpenOutput, id: string) {
    const { directory, caps, signal } = this.#tools;
    caps.admit(stats.size);
    return keepCopy(handle, stats.size, artifactFile(directory, id), signal);
  }

  /** How much it will be is known when it is there. */
  async #keepDirectory({ places }: Bounds, { handle }: OpenOutput, { id, path }: Output) {
    const { directory, caps, maxEntries, tarOf, leaveOut, signal } = this.#tools;
    const open = descriptorPath(handle);
    if (open === null) throw new LeftOut('is a directory, which this system does not tell what is in');
    const of = {
      root: `${open}/.`,
      isPrivate: (stats: Stats, descriptor: number) => places.holdsFile(stats, descriptor),
      maxEntries,
    };
    const tar = tarOf(of, (below, reason) => leaveOut(`${path}/${below}`, reason));
    const copied = await keepBytes(tar, caps.room, artifactFile(directory, id), signal);
    caps.admit(copied.sizeBytes);
    return copied;
  }
}
