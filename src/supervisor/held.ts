import { endAll } from './conclude.ts';
import { killAll } from './find/kill-rounds.ts';
import { markOf } from './find/marks.ts';
import type { ProcessSearch } from './find/search.ts';
import type { Setup } from './setup.ts';
import type { Spawner } from './spawn/spawner.ts';

/** Nobody but the end of a session waits: what a busy machine takes time to end is not called a survivor. */
const SETTLE_MS = 5000;

export interface HeldParts {
  spawner: Spawner;
  search: ProcessSearch;
  place: string;
}

/** What setups of sessions left running, by the directories of their runs: it lives until the session ends. */
export class HeldSetups {
  readonly #parts: HeldParts;
  readonly #setups = new Map<string, Setup>();
  #isLooking = false;

  constructor(parts: HeldParts) {
    this.#parts = parts;
  }

  /** Those of which something may live. Asked now and then: whether it does is looked at for the next time. */
  get size(): number {
    void this.#look();
    return this.#setups.size;
  }

  get descriptors(): number {
    let open = 0;
    for (const { output } of this.#setups.values()) open += output.open;
    return open;
  }

  hold(directory: string, setup: Setup): void {
    this.#setups.set(directory, setup);
    void this.#look();
  }

  /** Also what a supervisor before this one held. Rejects, in words, where something of it lives on. */
  async end(directories: readonly string[]): Promise<void> {
    const left = await Promise.all(directories.map((directory) => this.#end(directory)));
    const survivors = left.reduce((sum, count) => sum + count, 0);
    if (survivors > 0) throw new Error(`${survivors} processes that the setup left could not be ended`);
  }

  endAll(): void {
    void this.end([...this.#setups.keys()]).catch((error) => console.error(`runwire supervisor: ${error}`));
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { finder } = this.#parts.spawner;
    for (const [directory, setup] of this.#setups)
      try {
        if ((await finder.each(setup.marks, new Map(), () => {})) > 0) continue;
        if (this.#setups.get(directory) !== setup) continue;
        this.#setups.delete(directory);
        setup.output.close();
        finder.end(setup.marks);
      } catch (error) {
        console.error(`runwire supervisor: what a setup left cannot be looked for: ${String(error)}`);
      }
    this.#isLooking = false;
  }

  async #end(directory: string): Promise<number> {
    const { spawner, search, place } = this.#parts;
    const held = this.#setups.get(directory);
    if (held) {
      const { survivors } = await endAll(spawner, held, SETTLE_MS);
      this.#setups.delete(directory);
      return survivors;
    }
    const marks = { run: '', leader: null, leaderGoneAt: null, mark: markOf(place, directory) };
    const { survivors } = await killAll({ finder: search, signal: spawner.signal }, marks, SETTLE_MS);
    return survivors;
  }
}
