import { lstatSync, readFileSync, renameSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import { parseJson } from '../platform/json-parse.ts';

const VERSION = 2;
const COLUMNS = 4;
const DIRECTORY_COLUMNS = 3;
const HASH_CHARACTERS = 64;

/** What tells a state of a file from every other one: whatever changes its bytes later changes one of these (clock.ts). */
export type FileState = Pick<Stats, 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>;

/** The same of a directory and what is in it. */
export type DirectoryState = Pick<Stats, 'ino' | 'mtimeMs' | 'ctimeMs'>;

interface Head {
  version: number;
  /** Of the tree: dev and ino of its root. */
  tree: string;
  /** Of the contents, when they were known to have all of these. */
  stamp: string;
  files: number;
  directories: number;
  /** Of the names of the files, and of those of the directories, bytes. */
  lengths: [number, number];
  checksum: number;
}

/** What the files of one tree had in them when they were last read: a file that is as it was has the same. */
export class FileIndex {
  readonly #states: Float64Array;
  readonly #hashes: string;
  readonly #paths: string[];
  readonly #files: Places;
  readonly stamp: string | null;
  readonly #directories: Places;
  /** What is in each of the directories. */
  readonly #names: string[];

  private constructor(parts: Parts) {
    this.#states = parts.states;
    this.#hashes = parts.hashes;
    this.#paths = parts.paths;
    this.#files = new Places(parts.paths);
    this.#directories = new Places(parts.directories);
    this.#names = parts.names;
    this.stamp = parts.stamp;
  }

  /** One that is torn, of another tree or not there is empty. */
  static read(path: string | null, root: string): FileIndex {
    const empty = new FileIndex(NONE);
    if (path === null) return empty;
    try {
      const bytes = readFileSync(path);
      const end = bytes.indexOf('\n');
      const head = parseJson(bytes.toString('utf8', 0, end)) as Head;
      const { files, directories, lengths, stamp } = head;
      const body = bytes.subarray(end + 1);
      if (head.version !== VERSION || head.tree !== treeOf(root) || crc32(body) !== head.checksum)
        return empty;
      const states = new Float64Array(files * COLUMNS + directories * DIRECTORY_COLUMNS);
      const pathsAt = states.byteLength + files * HASH_CHARACTERS;
      const directoriesAt = pathsAt + lengths[0];
      const namesAt = directoriesAt + lengths[1];
      Buffer.from(states.buffer).set(body.subarray(0, states.byteLength));
      const parts: Parts = {
        ...{ states, stamp, hashes: body.toString('latin1', states.byteLength, pathsAt) },
        paths: files === 0 ? [] : body.toString('utf8', pathsAt, directoriesAt).split('\0'),
        directories: directories === 0 ? [] : body.toString('utf8', directoriesAt, namesAt).split('\0'),
        names: directories === 0 ? [] : body.toString('utf8', namesAt).split('\0'),
      };
      const isWhole = parts.paths.length === files && parts.names.length === directories;
      return isWhole && parts.directories.length === directories ? new FileIndex(parts) : empty;
    } catch {
      return empty; // whatever is wrong with it: all is read again
    }
  }

  get files(): number {
    return this.#paths.length;
  }

  /** The place of a file that is as it was; -1: it has to be read. */
  find(path: string, { ino, size, mtimeMs, ctimeMs }: FileState): number {
    const at = this.#files.of(path);
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

  *allDirectories(): Generator<{ path: string; state: DirectoryState; names: string[] }> {
    for (const [at, path] of this.#directories.paths.entries()) {
      const first = this.files * COLUMNS + at * DIRECTORY_COLUMNS;
      const [ino = 0, mtimeMs = 0, ctimeMs = 0] = this.#states.subarray(first);
      yield { path, state: { ino, mtimeMs, ctimeMs }, names: this.#names[at]?.split('/') ?? [] };
    }
  }

  /** What was in a directory when it was as it is; null: it has to be read. */
  namesIn(path: string, { ino, mtimeMs, ctimeMs }: DirectoryState): string[] | null {
    const at = this.#directories.of(path);
    if (at === undefined) return null;
    const first = this.files * COLUMNS + at * DIRECTORY_COLUMNS;
    const states = this.#states;
    if (states[first] !== ino || states[first + 1] !== mtimeMs || states[first + 2] !== ctimeMs) return null;
    const names = this.#names[at];
    return names ? names.split('/') : [];
  }
}

interface Parts {
  states: Float64Array;
  hashes: string;
  paths: string[];
  directories: string[];
  names: string[];
  stamp: string | null;
}

const NONE: Parts = {
  ...{ states: new Float64Array(), hashes: '', paths: [], directories: [], names: [], stamp: null },
};

/** Where each path is in a list. They are asked for in the order in which they are, mostly. */
class Places {
  readonly paths: readonly string[];
  #next = 0;
  #places: Map<string, number> | null = null;

  constructor(paths: readonly string[]) {
    this.paths = paths;
  }

  of(path: string): number | undefined {
    if (this.paths[this.#next] === path) return this.#next++;
    this.#places ??= new Map(this.paths.map((each, at) => [each, at]));
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
  readonly #directoryStates: number[] = [];
  readonly #directories: string[] = [];
  readonly #names: string[] = [];

  /** As add. */
  addDirectory(path: string, { ino, mtimeMs, ctimeMs }: DirectoryState, names: readonly string[]): void {
    this.#directoryStates.push(ino, mtimeMs, ctimeMs);
    this.#directories.push(path);
    this.#names.push(names.join('/'));
  }

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

  /** What is known of files and directories that were not looked at. */
  addOthers(known: FileIndex): void {
    const own = new Set(this.#paths);
    for (let at = 0; at < known.files; at++) if (!own.has(known.pathAt(at))) this.addKnown(known, at);
    const seen = new Set(this.#directories);
    for (const { path, state, names } of known.allDirectories())
      if (!seen.has(path)) this.addDirectory(path, state, names);
  }

  write(path: string, root: string, stamp: string): void {
    const states = Float64Array.from(this.#states.concat(this.#directoryStates));
    const [paths, directories] = [this.#paths, this.#directories].map((all) => Buffer.from(all.join('\0')));
    const body = Buffer.concat([
      Buffer.from(states.buffer),
      Buffer.from(this.#hashes.join(''), 'latin1'),
      ...[paths, directories, Buffer.from(this.#names.join('\0'))].flatMap((part) => part ?? []),
    ]);
    const head: Head = {
      ...{ version: VERSION, tree: treeOf(root), stamp },
      ...{ files: this.files, directories: this.#directories.length },
      lengths: [paths?.length ?? 0, directories?.length ?? 0],
      checksum: crc32(body),
    };
    // Another thread may write one at this moment: of a workspace that changes it is another one.
    const beside = `${path}.${threadId}.new`;
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
