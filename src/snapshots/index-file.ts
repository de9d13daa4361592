import { lstatSync, readFileSync, renameSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

const VERSION = 1;
const COLUMNS = 4;
const HASH_CHARACTERS = 64;

/** What tells a state of a file from every other one: whatever changes its bytes later changes one of these (clock.ts). */
export type FileState = Pick<Stats, 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>;

interface Head {
  version: number;
  /** Of the tree: dev and ino of its root. */
  tree: string;
  /** Of the contents, when they were known to have all of these. */
  stamp: string;
  files: number;
  checksum: number;
}

/** What the files of one tree had in them when they were last read: a file that is as it was has the same. */
export class FileIndex {
  readonly #states: Float64Array;
  readonly #hashes: string;
  readonly #paths: string[];
  readonly stamp: string | null;
  #next = 0;
  #places: Map<string, number> | null = null;

  private constructor(states: Float64Array, hashes: string, paths: string[], stamp: string | null) {
    this.#states = states;
    this.#hashes = hashes;
    this.#paths = paths;
    this.stamp = stamp;
  }

  /** One that is torn, of another tree or not there is empty. */
  static read(path: string | null, root: string): FileIndex {
    const empty = new FileIndex(new Float64Array(), '', [], null);
    if (path === null) return empty;
    try {
      const bytes = readFileSync(path);
      const end = bytes.indexOf('\n');
      const { version, tree, stamp, files, checksum } = JSON.parse(bytes.toString('utf8', 0, end)) as Head;
      const body = bytes.subarray(end + 1);
      if (version !== VERSION || tree !== treeOf(root) || crc32(body) !== checksum) return empty;
      const states = new Float64Array(files * COLUMNS);
      const hashesAt = states.byteLength;
      const pathsAt = hashesAt + files * HASH_CHARACTERS;
      Buffer.from(states.buffer).set(body.subarray(0, hashesAt));
      const paths = files === 0 ? [] : body.toString('utf8', pathsAt).split('\0');
      if (paths.length !== files) return empty;
      return new FileIndex(states, body.toString('latin1', hashesAt, pathsAt), paths, stamp);
    } catch {
      return empty; // whatever is wrong with it: all is read again
    }
  }

  get files(): number {
    return this.#paths.length;
  }

  /** The place of a file that is as it was; -1: it has to be read. */
  find(path: string, { ino, size, mtimeMs, ctimeMs }: FileState): number {
    const at = this.#placeOf(path);
    if (at === undefined) return -1;
    const first = at * COLUMNS;
    const states = this.#states;
    const isSame =
      states[first + 3] === ctimeMs &&
      states[first + 2] === mtimeMs &&
      states[first + 1] === size &&
      states[first] === ino;
    return isSame ? at : -1;
  }

  hashAt(at: number): string {
    return this.#hashes.slice(at * HASH_CHARACTERS, (at + 1) * HASH_CHARACTERS);
  }

  pathAt(at: number): string {
    return this.#paths[at] as string;
  }

  stateAt(at: number): FileState {
    const [ino = 0, size = 0, mtimeMs = 0, ctimeMs = 0] = this.#states.subarray(at * COLUMNS);
    return { ino, size, mtimeMs, ctimeMs };
  }

  /** They are asked for in the order in which they are. */
  #placeOf(path: string): number | undefined {
    if (this.#paths[this.#next] === path) return this.#next++;
    this.#places ??= new Map(this.#paths.map((each, at) => [each, at]));
    const at = this.#places.get(path);
    if (at !== undefined) this.#next = at + 1;
    return at;
  }
}

/** A new index, written beside the old one and renamed. */
export class IndexWriter {
  readonly #states: number[] = [];
  readonly #hashes: string[] = [];
  readonly #paths: string[] = [];

  /** Only of a state that every later change can be told from. */
  add(path: string, { ino, size, mtimeMs, ctimeMs }: FileState, sha256: string): void {
    this.#states.push(ino, size, mtimeMs, ctimeMs);
    this.#hashes.push(sha256);
    this.#paths.push(path);
  }

  get files(): number {
    return this.#paths.length;
  }

  addKnown(known: FileIndex, at: number): void {
    this.add(known.pathAt(at), known.stateAt(at), known.hashAt(at));
  }

  /** What is known of files that were not looked at. */
  addOthers(known: FileIndex): void {
    const own = new Set(this.#paths);
    for (let at = 0; at < known.files; at++) if (!own.has(known.pathAt(at))) this.addKnown(known, at);
  }

  write(path: string, root: string, stamp: string): void {
    const states = Float64Array.from(this.#states);
    const body = Buffer.concat([
      Buffer.from(states.buffer),
      Buffer.from(this.#hashes.join(''), 'latin1'),
      Buffer.from(this.#paths.join('\0')),
    ]);
    const checksum = crc32(body);
    const head: Head = { version: VERSION, tree: treeOf(root), stamp, files: this.files, checksum };
    const beside = `${path}.new`;
    try {
      writeFileSync(beside, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]), { mode: 0o600 });
      renameSync(beside, path);
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    }
  }
}

function treeOf(root: string): string {
  const { dev, ino } = lstatSync(root);
  return `${dev}:${ino}`;
}
