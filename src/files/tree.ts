import {
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  symlinkSync,
} from 'node:fs';
import { HAS_PROC } from '../artifacts/open-inside.ts';
import { codeOf } from '../platform/error-words.ts';
import { BadName, staysInside } from './names.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** There is nothing of that name, or a file or a link is in its way. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ELOOP'];

/** Nobody wants what is put in any more. */
export class TreeClosed extends Error {}

interface Opened {
  name: string;
  fd: number;
}

/**
 * A directory that is filled: every part of a path is opened below the one before and no link is followed, so that
 * nothing lands outside of it, whatever is planted in it meanwhile. Calls are short and synchronous; who has many of them
 * gives others their turn in between. Without /proc the parts are opened one by one too, by their paths.
 */
export class Tree {
  readonly #path: string;
  readonly #root: number;
  /** The directories of the last path, open: the next path is often beside it. */
  readonly #open: Opened[] = [];
  /** Texts of the links that were put in by `link`, by their paths. */
  readonly links = new Map<string, string>();
  /** Before each directory that is made. What it throws is thrown on. */
  making: () => void = () => {};
  #closed = false;

  /** Throws what the file system says where it is no directory. */
  constructor(path: string) {
    this.#path = path;
    this.#root = openSync(path, DIRECTORY);
  }

  /** Makes it, with those above it, where it is not there. Throws BadName where something else is in its way. */
  directory(parts: readonly string[], mode?: number): void {
    const fd = this.#enter(parts);
    if (mode !== undefined) fchmodSync(fd, mode);
  }

  /** A new file, open for writing; the caller closes it. Throws BadName where there is something of that name. */
  file(parts: readonly string[], mode: number): number {
    const fd = this.#in(parts, (path) => openSync(path, NEW_FILE, mode));
    try {
      // The process's mask has taken bits away.
      fchmodSync(fd, mode);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return fd;
  }

  /** A symbolic link. Where it leads over others is not judged here (`checkLinks`). Throws BadName where its text leads out, or there is something of that name. */
  link(parts: readonly string[], target: string): void {
    if (!staysInside(parts, target))
      throw new BadName(
        parts.join('/'),
        `is a link that leads out of the directory, to ${JSON.stringify(target)}`,
      );
    this.anyLink(parts, target);
    this.links.set(parts.join('/'), target);
  }

  /** A symbolic link, wherever it leads: for who never follows one. Throws BadName where there is something of that name. */
  anyLink(parts: readonly string[], target: string): void {
    this.#in(parts, (path) => symlinkSync(target, path));
  }

  /** What lies at `from`, on this file system, gets this name, instead of a file or link that has it. Throws BadName for a directory. */
  replace(parts: readonly string[], from: string): void {
    this.#in(parts, (path) => renameSync(from, path));
  }

  /**
   * A second name of a file that is in it already; of a link, another that says the same. Nothing else is made before it is refused.
   * Returns the size of the file: who copies the tree has as many bytes again.
   */
  hardLink(parts: readonly string[], of: readonly string[]): number {
    const directory = of.slice(0, -1);
    // Not through the descriptors that are open: those of the one path are closed where the other goes elsewhere.
    let above: number | null = null;
    let text: string;
    try {
      above = this.#reach(directory);
      const source = this.#below(above, directory, of.at(-1) ?? '');
      const stats = lstatSync(source);
      if (stats.isDirectory()) throw new BadName(parts.join('/'), 'is a second name of a directory');
      if (!stats.isSymbolicLink()) {
        this.#in(parts, (path) => linkSync(source, path));
        return stats.size;
      }
      text = readlinkSync(source);
    } catch (error) {
      if (!ABSENT.includes(codeOf(error) ?? '')) throw error;
      throw new BadName(parts.join('/'), `is a link to what is not there, ${JSON.stringify(of.join('/'))}`);
    } finally {
      if (above !== null) closeSync(above);
    }
    this.link(parts, text);
    return 0;
  }

  /** Whatever is put in from then on throws TreeClosed: its descriptors are those of others by then. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { fd } of this.#open.splice(0)) closeSync(fd);
    closeSync(this.#root);
  }

  /** Within its directory, which is made. */
  #in<T>(parts: readonly string[], make: (path: string) => T): T {
    const name = parts.at(-1) ?? '';
    const directory = parts.slice(0, -1);
    const fd = this.#enter(directory);
    try {
      return make(this.#below(fd, directory, name));
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw new BadName(parts.join('/'), 'is there twice');
      if (codeOf(error) === 'EISDIR') throw new BadName(parts.join('/'), 'is a directory there');
      throw error;
    }
  }

  /** A directory that is there, open; the caller closes it. */
  #reach(parts: readonly string[]): number {
    this.#checkOpen();
    let fd = openSync(this.#below(this.#root, [], '.'), DIRECTORY);
    for (const [at, name] of parts.entries())
      try {
        const next = openSync(this.#below(fd, parts.slice(0, at), name), DIRECTORY);
        closeSync(fd);
        fd = next;
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    return fd;
  }

  /** Descriptor of a directory below, opened and where need be made. */
  #enter(parts: readonly string[]): number {
    this.#checkOpen();
    let same = 0;
    while (same < parts.length && this.#open[same]?.name === parts[same]) same++;
    for (const { fd } of this.#open.splice(same)) closeSync(fd);
    for (let at = same; at < parts.length; at++) {
      const name = parts[at] ?? '';
      const above = this.#open.at(-1)?.fd ?? this.#root;
      const path = this.#below(above, parts.slice(0, at), name);
      const fd = openOrMake(path, parts.slice(0, at + 1).join('/'), this.making);
      this.#open.push({ name, fd });
    }
    return this.#open.at(-1)?.fd ?? this.#root;
  }

  #checkOpen(): void {
    if (this.#closed) throw new TreeClosed('it was given up');
  }

  #below(fd: number, directory: readonly string[], name: string): string {
    return HAS_PROC ? `/proc/self/fd/${fd}/${name}` : [this.#path, ...directory, name].join('/');
  }
}

function openOrMake(path: string, shown: string, making: () => void): number {
  for (let tries = 0; ; tries++)
    try {
      return openSync(path, DIRECTORY);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOTDIR' || code === 'ELOOP')
        throw new BadName(shown, 'is a file or a link and no directory');
      if (code !== 'ENOENT' || tries > 0) throw error;
      making();
      mkdirSync(path, 0o755);
    }
}

/** A file is as old as it was. */
export function setTime(fd: number, modified: Date): void {
  futimesSync(fd, modified, modified);
}
