import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { discard, moveOut } from '../files/discard.ts';
import { bootId } from '../platform/boot.ts';
import { codeOf } from '../platform/error-words.ts';
import type { Hands } from '../snapshots/hands.ts';
import type { StoredAsset } from '../store/assets.ts';

export type PreparedOf = Pick<StoredAsset, 'type' | 'digest' | 'bytes'>;

type IsHeld = (of: Pick<PreparedOf, 'type' | 'digest'>) => boolean;

/** Being made, for so many who wait. */
interface Making {
  done: Promise<void>;
  waiting: number;
  giveUp: AbortController;
}

/** Of a directory; of a file it ends so: a list of a directory may be a file of its own. */
const OF_A_FILE = '.file';

/**
 * Trees that may be mounted: `assets/trees/<digest>`, for anybody to read and nobody to change. Made beside, and there as a whole or
 * not at all.
 */
export class PreparedTrees {
  readonly #trees: string;
  readonly #gone: string;
  readonly #note: string;
  readonly #hands: Pick<Hands, 'build'>;
  readonly #isHeld: IsHeld;
  readonly #making = new Map<string, Making>();

  /** `isHeld`: is any version this. */
  constructor(dataDir: string, hands: Pick<Hands, 'build'>, isHeld: IsHeld) {
    this.#trees = resolve(dataDir, 'assets', 'trees');
    this.#gone = resolve(dataDir, 'assets', 'gone');
    this.#note = resolve(dataDir, 'assets', 'boot');
    this.#hands = hands;
    this.#isHeld = isHeld;
  }

  /** Its path. Several may wait for the same; it is given up when none of them does any more. */
  async of(asset: PreparedOf, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const name = nameOf(asset);
    const place = join(this.#trees, name);
    let making = this.#making.get(name);
    // One that is given up is begun anew.
    for (; making?.giveUp.signal.aborted; making = this.#making.get(name)) await making.done.catch(() => {});
    signal.throwIfAborted();
    if (making === undefined && existsSync(place)) return place;
    making ??= this.#begin(asset, name);
    making.waiting++;
    const left = Promise.withResolvers<never>();
    left.promise.catch(() => {}); // it is raced
    const leave = (): void => left.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([making.done, left.promise]);
      return place;
    } finally {
      signal.removeEventListener('abort', leave);
      if (--making.waiting === 0) making.giveUp.abort();
    }
  }

  /** The version is gone: so is its tree, if no other version is the same. */
  async drop(of: Pick<PreparedOf, 'type' | 'digest'>): Promise<void> {
    if (this.#isHeld(of)) return;
    await this.#remove(nameOf(of));
  }

  /**
   * Once, at the start, before any is asked for: what no version needs, what an earlier server had not finished, and all of them when
   * the machine was started since, for a power cut may have left half of what is written here. Returns how many there were; from
   * the call on nobody finds them.
   */
  async sweep(): Promise<number> {
    const mayBeTorn = this.#isOtherBoot();
    const gone = namesIn(this.#gone).map((name) => join(this.#gone, name));
    for (const name of namesIn(this.#trees))
      if (mayBeTorn || !this.#isKnown(name)) gone.push(...this.#takeAway(name));
    if (mayBeTorn) this.#noteBoot(); // not before: who dies meanwhile leaves it to the next
    for (const place of gone) await discard(place, this.#gone);
    return gone.length;
  }

  #isKnown(name: string): boolean {
    const [digest = '', ending] = name.split('.');
    return this.#isHeld({ type: ending === undefined ? 'directory' : 'file', digest });
  }

  /** Than that of which all trees are. */
  #isOtherBoot(): boolean {
    const boot = bootId();
    if (boot === null || !existsSync(this.#trees)) return false;
    return !existsSync(this.#note) || readFileSync(this.#note, 'utf8') !== boot;
  }

  #noteBoot(): void {
    writeFileSync(this.#note, bootId() ?? '', { mode: 0o600 });
  }

  #begin(asset: PreparedOf, name: string): Making {
    const giveUp = new AbortController();
    const done = this.#make(asset, name, giveUp.signal).finally(() => this.#making.delete(name));
    done.catch(() => {}); // told to who waits
    const making = { done, waiting: 0, giveUp };
    this.#making.set(name, making);
    return making;
  }

  async #make({ type, digest, bytes }: PreparedOf, name: string, signal: AbortSignal): Promise<void> {
    if (mkdirSync(this.#trees, { recursive: true, mode: 0o700 }) !== undefined) this.#noteBoot();
    // Beside it, in the same directory: what nobody may write to cannot be moved to another one.
    const beside = `new-${name}-${randomUUID()}`;
    try {
      await this.#hands.build(
        { type, digest, size: bytes, to: join(this.#trees, beside), modes: 'shared' },
        signal,
      );
      signal.throwIfAborted();
      renameSync(join(this.#trees, beside), join(this.#trees, name));
    } catch (error) {
      await this.#remove(beside);
      throw error;
    }
    if (this.#isHeld({ type, digest })) return;
    await this.#remove(name);
    throw new Error('the asset was removed');
  }

  async #remove(name: string): Promise<void> {
    for (const gone of this.#takeAway(name)) await discard(gone, this.#gone);
  }

  /** Where it is until it is deleted; nowhere: it was never made. */
  #takeAway(name: string): string[] {
    mkdirSync(this.#gone, { recursive: true, mode: 0o700 });
    const gone = join(this.#gone, randomUUID());
    try {
      moveOut(join(this.#trees, name), gone);
      return [gone];
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }
}

const nameOf = ({ type, digest }: Pick<PreparedOf, 'type' | 'digest'>): string =>
  type === 'file' ? `${digest}${OF_A_FILE}` : digest;

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
