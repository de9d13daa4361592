import { CHANNELS } from '../documents/stream.ts';

const MAX_LENGTH = 128;

/**
 * Makes ids of collected files from their relative paths: 1 to 128 of A–Z a–z 0–9 . _ -, never beginning with
 * a dot, unique without regard to case (ids are file names in the run's directory, and some file systems
 * fold case). `out/a b.txt` becomes `out_a_b.txt`; a second one `out_a_b-2.txt`. The same paths in
 * the same order get the same ids. `taken` are ids that exist already.
 */
export class ArtifactIds {
  readonly #taken = new Set<string>(CHANNELS);
  readonly #next = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    for (const id of taken) this.#taken.add(id.toLowerCase());
  }

  make(relativePath: string): string {
    const safe = relativePath.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^\./, '_') || '_';
    const { stem, extension } = split(safe);
    const shortStem = (room: number) => stem.slice(0, MAX_LENGTH - extension.length - room);
    const first = shortStem(0) + extension;
    let id = first;
    let number = this.#next.get(first.toLowerCase()) ?? 2;
    for (; this.#taken.has(id.toLowerCase()); number++) {
      const mark = `-${number}`;
      id = shortStem(mark.length) + mark + extension;
    }
    this.#next.set(first.toLowerCase(), number);
    this.#taken.add(id.toLowerCase());
    return id;
  }
}

/** The name and its last extension, when that is short. */
function split(name: string): { stem: string; extension: string } {
  const extension = /^.+?(\.[A-Za-z0-9]{1,16})$/.exec(name)?.[1] ?? '';
  return { stem: name.slice(0, name.length - extension.length), extension };
}
