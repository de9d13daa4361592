import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Seen } from '../disk/private-view.ts';
import type { Omitted } from '../documents/artifact.ts';
import { RunwireError, toldShortage } from '../documents/errors.ts';
import { discard } from '../files/discard.ts';
import { unpackTree } from '../files/unpack-tree.ts';
import type { Restorer } from './restorer.ts';
import { directoryOf, rowOf, type SpaceTools } from './tools.ts';

const MOST_TOLD = 1000;
/** Nothing but what was just unpacked is there. */
const NOTHING_PRIVATE: Seen = { roots: [], scratch: null, identities: new Map(), files: [] };

/** Makes a workspace what a run made of its copy, in the turn of that run. */
export class Replacer {
  readonly #tools: SpaceTools;
  readonly #restorer: Restorer;
  readonly #going = new Set<Promise<unknown>>();

  constructor(tools: SpaceTools, restorer: Restorer) {
    this.#tools = tools;
    this.#restorer = restorer;
  }

  /**
   * `tar` is of one directory, and comes from elsewhere: see unpackTree. What did not change stays untouched. Returns what was left
   * out. Rejects where nothing was changed, or the server stops: done again, it does the same from the start.
   */
  replace(id: string, tar: Readable): Promise<Omitted[]> {
    const going = this.#begin(id, tar);
    this.#going.add(going);
    const over = (): void => void this.#going.delete(going);
    going.then(over, over);
    return going;
  }

  /** What is not done is the next server's. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#going);
  }

  async #begin(id: string, tar: Readable): Promise<Omitted[]> {
    const { closed, disk, shots } = this.#tools;
    const giveUp = (): void => void tar.destroy(new Error('the server stops'));
    closed.addEventListener('abort', giveUp, { once: true });
    const space = this.#tools.spaces.get(id);
    const place = join(directoryOf(this.#tools, id).beside, randomUUID());
    try {
      closed.throwIfAborted();
      // What an earlier server had begun to exchange comes first.
      while (space.restoring) if (!(await space.next({ signal: closed }))) closed.throwIfAborted();
      return await this.#replace(id, tar, place);
    } catch (error) {
      const told = toldShortage(error);
      if (told instanceof RunwireError && told.code === 'insufficient_storage') disk.failed(told);
      throw told;
    } finally {
      closed.removeEventListener('abort', giveUp);
      tar.destroy();
      await this.#discard(id, place);
      shots.sweepLater();
    }
  }

  async #replace(id: string, tar: Readable, place: string): Promise<Omitted[]> {
    const { hands, closed, disk } = this.#tools;
    const omitted: Omitted[] = [];
    let more = 0;
    const leaveOut = (path: string, reason: string): void => {
      if (omitted.length < MOST_TOLD) omitted.push({ path, reason });
      else more++;
    };
    const goOn = (): void => {
      const shortage = disk.shortage();
      if (shortage !== null) throw new RunwireError('insufficient_storage', shortage);
    };
    const row = rowOf(this.#tools, id);
    mkdirSync(place, { mode: 0o700 });
    await unpackTree(tar, place, { leaveOut, goOn });
    await hands.holding(async () => {
      const job = { root: realpathSync(place), index: null, seen: NOTHING_PRIVATE };
      const captured = await hands.capture(job, closed);
      for (const { path, reason } of captured.omitted) leaveOut(path, reason);
      await this.#discard(id, place);
      await this.#restorer.replace(row, captured.digest);
    });
    return more === 0 ? omitted : [...omitted, { path: '', reason: `${more} more were left out` }];
  }

  /** What is left of it is swept at the next start. */
  async #discard(id: string, place: string): Promise<void> {
    if (!existsSync(place)) return;
    await discard(place, directoryOf(this.#tools, id).beside).catch((err) =>
      this.#tools.log.warn({ workspace_id: id, err }, 'files that were copied could not be removed'),
    );
  }
}
