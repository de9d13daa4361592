import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contents } from '../contents/contents.ts';
import type { PrivatePlaces } from '../disk/private-places.ts';
import type { DiskSpace } from '../disk/space.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import { Filling } from '../files/fill.ts';
import { Ledger } from '../files/ledger.ts';
import { BadName } from '../files/names.ts';
import type { StagedFiles, Staging } from '../files/staging.ts';
import { Tree } from '../files/tree.ts';
import { BadArchive, unpack } from '../files/unpack.ts';
import type { Hands } from '../snapshots/hands.ts';
import type { StoredAsset } from '../store/assets.ts';

export const BYTES_FROM = 'RUNWIRE_MAX_ASSET_BYTES';

/** What a version is, beside its name. */
export type Taken = Pick<StoredAsset, 'type' | 'digest' | 'bytes' | 'files'>;

/** Something whole on its way to become a content: nothing but this process knows of it. */
export interface Arrived {
  /** Makes it a content, or contents. To be called once, while nothing is swept. */
  keep(): Promise<Taken>;
  /** Of what is still here nothing is left. */
  drop(): Promise<void>;
}

export interface TakingParts {
  contents: Contents;
  staging: Staging;
  hands: Pick<Hands, 'capture'>;
  places: Pick<PrivatePlaces, 'see'>;
  disk: Pick<DiskSpace, 'shortage'>;
  maxBytes: number;
  sync: boolean;
}

/** Takes what comes, at whatever pace, with memory that does not grow, and hashed as it comes. */
export class Taking {
  readonly #parts: TakingParts;

  constructor(parts: TakingParts) {
    this.#parts = parts;
  }

  /** A file. Throws RunwireError body_too_large, insufficient_storage, what the storage and the source say. */
  async file(bytes: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<Arrived> {
    const { contents, maxBytes, sync } = this.#parts;
    const place = contents.coming();
    const name = randomUUID();
    const ledger = new Ledger({ bytes: maxBytes, files: 1 }, BYTES_FROM);
    const filling = new Filling(new Tree(place), ledger, sync);
    const path = join(place, name);
    try {
      await filling.file({ parts: [name], mode: 0o400 }, this.#pieces(bytes, signal));
      await filling.done();
    } catch (error) {
      await filling.done().catch(() => {}); // the first error is told
      await rm(path, { force: true });
      throw error;
    } finally {
      filling.tree.close();
    }
    return this.arrived(path, filling.files[0]?.sha256 ?? '', ledger.bytes);
  }

  /** An archive, as the directory that it becomes. Throws also invalid_field, naming what of it cannot be taken. */
  async directory(archive: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<Arrived> {
    const staged = this.#parts.staging.begin();
    staged.filling.hashes = false; // they are when they are kept
    try {
      await unpack(this.#pieces(archive, signal), staged.filling, { aside: staged.aside });
      await staged.whole();
      staged.close();
    } catch (error) {
      await staged.discard();
      throw toldArchive(error);
    }
    return {
      keep: () => this.#captured(staged, signal),
      drop: () => staged.discard(),
    };
  }

  /** A file that is whole already, among those that are coming. */
  arrived(path: string, digest: string, bytes: number): Arrived {
    const { contents } = this.#parts;
    return {
      async keep() {
        // One that takes the place of another, which has to be deleted then, would have everybody wait for that.
        if (!contents.has(digest, bytes)) contents.keep(path, digest);
        contents.sync();
        return { type: 'file', digest, bytes, files: 1 };
      },
      drop: () => rm(path, { force: true }),
    };
  }

  async #captured({ directory }: StagedFiles, signal?: AbortSignal): Promise<Taken> {
    const { hands, places } = this.#parts;
    const seen = places.see({ work: directory });
    const { omitted, ...amount } = await hands.capture({ root: directory, index: null, seen }, signal);
    const [first] = omitted;
    if (first) throw fieldRefusal('invalid_field', [{ path: first.path, message: `is ${first.reason}` }]);
    return { type: 'directory', ...amount };
  }

  /** A disk that fills up meanwhile is seen before it is full. */
  async *#pieces(bytes: AsyncIterable<Buffer>, signal?: AbortSignal): AsyncGenerator<Buffer> {
    signal?.throwIfAborted();
    for await (const piece of bytes) {
      signal?.throwIfAborted();
      refuseShortage(this.#parts.disk);
      yield piece;
    }
  }
}

export function refuseShortage(disk: Pick<DiskSpace, 'shortage'>): void {
  const shortage = disk.shortage();
  if (shortage !== null) throw new RunwireError('insufficient_storage', shortage, { retryAfterSeconds: 10 });
}

function toldArchive(error: unknown): unknown {
  if (error instanceof BadName)
    return fieldRefusal('invalid_field', [{ path: error.path, message: error.message }]);
  if (error instanceof BadArchive)
    return fieldRefusal('invalid_field', [{ path: '', message: error.message }]);
  return error;
}
