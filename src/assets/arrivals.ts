import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { DIRECTORY_MEDIA_TYPE, tellableMediaType } from '../documents/asset.ts';
import { RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import { Turns } from '../platform/turns.ts';
import type { AssetContent } from './assets.ts';
import { type FetchParts, fetchAsset } from './fetch.ts';
import { type Arrived, Taking, type TakingParts } from './taking.ts';

/** Each may take a disk and a line for an hour: others wait. */
export const FETCHES_AT_ONCE = 8;

/** What versions are made of, on its way in: sent, or fetched. */
export class Arrivals {
  readonly #parts: TakingParts & FetchParts;
  readonly #taking: Taking;
  readonly #fetches = new Turns(FETCHES_AT_ONCE);

  constructor(parts: TakingParts & FetchParts) {
    this.#parts = parts;
    this.#taking = new Taking(parts);
  }

  /** Resolves when it is whole. Throws what `Taking` and `fetchAsset` throw: there is nothing then. */
  async take(content: AssetContent, signal: AbortSignal): Promise<{ arrived: Arrived; mediaType: string }> {
    if (content.from === 'url') return this.#fetch(content, signal);
    const { bytes, extract, mediaType } = content;
    if (extract) return this.#directory(bytes, signal);
    return { arrived: await this.#taking.file(bytes, signal), mediaType: tellableMediaType(mediaType) };
  }

  async #fetch({ source }: Extract<AssetContent, { from: 'url' }>, signal: AbortSignal) {
    const fetching = () => fetchAsset(this.#parts, source, signal);
    const { path, bytes, mediaType } = await this.#fetches.take(randomUUID(), signal, fetching);
    if (!source.extract) return { arrived: this.#taking.arrived(path, source.sha256, bytes), mediaType };
    const archive = createReadStream(path);
    try {
      return await this.#directory(archive, signal);
    } catch (error) {
      throw error instanceof RunwireError && error.code === 'invalid_field'
        ? fieldRefusal('invalid_field', [{ path: 'url', message: `has what is not taken: ${error.message}` }])
        : error;
    } finally {
      archive.destroy(); // one that is refused is not read to its end
      await rm(path, { force: true });
    }
  }

  async #directory(archive: AsyncIterable<Buffer>, signal: AbortSignal) {
    return { arrived: await this.#taking.directory(archive, signal), mediaType: DIRECTORY_MEDIA_TYPE };
  }
}
