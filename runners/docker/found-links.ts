import { isInside } from '../../src/platform/inside.ts';
import { followLinks, LinkLoop } from '../../src/platform/link-way.ts';

const MOST_CHARACTERS = 16 * 2 ** 20;

/** Symbolic links of one directory of a container: they lead where they led there, so all are known before one is read. */
export class FoundLinks {
  readonly #directory: string;
  readonly #texts = new Map<string, string>();
  #characters = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** `path`: absolute, in the container. */
  add(path: string, text: string): void {
    this.#characters += path.length + text.length;
    if (this.#characters > MOST_CHARACTERS)
      throw new Error('too many symbolic links: the rest was not looked at');
    this.#texts.set(path, text);
  }

  /** Where a path in the container ends, below the directory. */
  async endOf(path: string): Promise<{ end: string } | { reason: string }> {
    try {
      const end = await followLinks(path, (at) => {
        if (!isInside(this.#directory, at) && !isInside(at, this.#directory)) throw new LeadsOut();
        return this.#texts.get(at) ?? null;
      });
      if (end !== this.#directory && isInside(this.#directory, end)) return { end };
      return { reason: 'a symbolic link out of the directory' };
    } catch (error) {
      if (error instanceof LinkLoop) return { reason: 'a symbolic link that leads to itself' };
      if (error instanceof LeadsOut) return { reason: 'a symbolic link out of the directory' };
      throw error;
    }
  }
}

class LeadsOut extends Error {}
