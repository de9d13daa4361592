import type { ArtifactCaps } from '../documents/artifact.ts';
import { LeftOut } from './open-inside.ts';
import { StopWalk } from './walk.ts';

/** Counts what is kept of one run. */
export class CountedCaps {
  readonly #caps: ArtifactCaps;
  #count = 0;
  #bytes = 0;

  constructor(caps: ArtifactCaps) {
    this.#caps = caps;
  }

  /** Throws LeftOut when a file of this size is too much. */
  admit(size: number): void {
    const { bytes, words } = this.room;
    if (size > bytes) throw new LeftOut(size > this.#caps.fileBytes ? this.#fileWords : words);
    this.#count++;
    this.#bytes += size;
  }

  /** What one more may have, and the words for more than that. Throws StopWalk when no other is kept. */
  get room(): { bytes: number; words: string } {
    const { fileBytes, totalBytes, count } = this.#caps;
    if (this.#count >= count) throw new StopWalk(`more than ${count} files: the rest was not looked at`);
    const left = totalBytes - this.#bytes;
    return fileBytes <= left
      ? { bytes: fileBytes, words: this.#fileWords }
      : { bytes: left, words: `total of ${totalBytes} bytes reached` };
  }

  get #fileWords(): string {
    return `larger than ${this.#caps.fileBytes} bytes`;
  }
}
