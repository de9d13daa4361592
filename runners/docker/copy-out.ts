import { constants, realpathSync } from 'node:fs';
import { link, lstat, mkdir, open, rm, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { type GlobPosition, step } from '../../src/artifacts/glob.ts';
import { PRIVATE, type PrivateView } from '../../src/disk/private-view.ts';
import type { ArtifactCaps, Omitted } from '../../src/documents/artifact.ts';
import type { TarEntry } from '../../src/files/tar-entries.ts';
import { bytePath } from '../../src/platform/byte-path.ts';
import { messageOf } from '../../src/platform/error-words.ts';
import { archiveAt, entriesOf } from './archive.ts';
import { type DockerDaemon, daemonWords } from './daemon.ts';
import { FoundLinks } from './found-links.ts';

const MAX_LISTED = 1000;
const MAX_ENTRIES = 250_000;
/** A tree that is much larger than what may be kept of it is not read to its end. */
const READ_FACTOR = 4;
const READ_LEAST = 2 ** 30;
/** Files that nothing but a link asks for are fetched one by one. */
const MAX_FETCHED = 1000;

/** A directory of a container, and where it goes. */
export interface CopyRequest {
  daemon: DockerDaemon;
  id: string;
  /** In the container. */
  from: string;
  /** On this machine; exists. */
  to: string;
  /** What to look for under `from`; null: everything. */
  globs: GlobPosition | null;
}

/** One directory on its way. */
interface Copying extends CopyRequest {
  /** `to`, links resolved. */
  root: string;
  links: FoundLinks;
  /** Names below `from` of links that are asked for. */
  linked: string[];
  /** Names below `from` of files that are there now: of others of the same names nothing is known. */
  copied: Set<string>;
}

/** Copies files of an ended container to directories of its run. One for all of a run: the caps hold for all together. */
export class CopyOut {
  readonly omitted: Omitted[] = [];
  readonly #caps: ArtifactCaps;
  readonly #places: PrivateView;
  #bytes = 0;
  #count = 0;
  #entries = 0;
  #read = 0;
  #fetched = 0;

  /** Nothing is written to `places`. */
  constructor(caps: ArtifactCaps, places: PrivateView) {
    this.#caps = caps;
    this.#places = places;
  }

  /**
   * Regular files, the directories they are in, and links that stay inside; the rest is in `omitted`. Nothing is
   * written through a link. Never throws for what the files are.
   */
  async copy(request: CopyRequest): Promise<void> {
    const root = realpathSync.native(request.to);
    if (this.#places.holds(bytePath(root))) return this.#leaveOut(request.to, PRIVATE);
    const { from } = request;
    const copying = { ...request, root, links: new FoundLinks(from), linked: [], copied: new Set<string>() };
    try {
      const archive = await archiveOf(request, from);
      if (archive) for await (const entry of entriesOf(archive)) await this.#take(copying, entry);
    } catch (error) {
      this.#leaveOut(from, messageOf(error));
      this.#fetched = MAX_FETCHED;
    }
    try {
      for (const path of copying.linked) {
        const reason = await this.#link(copying, path);
        if (reason !== null) this.#leaveOut(posix.join(from, path), reason);
      }
    } catch (error) {
      this.#leaveOut(from, messageOf(error));
    }
  }

  async #take(copying: Copying, entry: TarEntry): Promise<void> {
    const { from, globs, root, copied } = copying;
    const { name, type, size, target } = entry;
    this.#read += size;
    if (++this.#entries > MAX_ENTRIES)
      throw new Error(`more than ${MAX_ENTRIES} names: the rest was not looked at`);
    if (this.#read > Math.max(READ_LEAST, this.#caps.totalBytes * READ_FACTOR))
      throw new Error('too large to be searched: the rest was not looked at');
    const path = insideName(name);
    if (path === null || type === 'directory') return;
    const shown = posix.join(from, path);
    if (type === 'link') copying.links.add(shown, target);
    if (!(await wanted(globs, path))) return;
    if (type === 'link') return void copying.linked.push(path);
    const reason =
      type === 'file'
        ? await this.#file(root, path, entry)
        : type === 'hard link'
          ? await this.#hardLink(copying, path, target)
          : `not a regular file: a ${type}`;
    if (reason === null) copied.add(path);
    else this.#leaveOut(shown, reason);
  }

  /** Null when it is there now, else why not. */
  async #file(root: string, path: string, entry: TarEntry): Promise<string | null> {
    const { fileBytes, totalBytes, count } = this.#caps;
    const { size, content, modified } = entry;
    if (this.#count >= count) throw new Error(`more than ${count} files: the rest was not looked at`);
    if (size > fileBytes) return `larger than ${fileBytes} bytes`;
    if (this.#bytes + size > totalBytes) return `total of ${totalBytes} bytes reached`;
    const target = await place(root, path);
    if (target === null) return 'something else is in its place';
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const mode = (entry.mode & 0o777) | 0o600;
    const file = await open(target, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, mode);
    try {
      for await (const chunk of Buffer.isBuffer(content) ? [content] : content) await file.writeFile(chunk);
      await file.utimes(modified, modified);
    } catch (error) {
      await rm(target, { force: true });
      return messageOf(error);
    } finally {
      await file.close();
    }
    this.#count++;
    this.#bytes += size;
    return null;
  }

  /** A link is made as one straight to the file it led to, or as that file where nothing else asks for it. */
  async #link(copying: Copying, path: string): Promise<string | null> {
    const { from, root, globs, links, copied } = copying;
    const found = await links.endOf(posix.join(from, path));
    if ('reason' in found) return found.reason;
    const name = posix.relative(from, found.end);
    if (!copied.has(name)) {
      if (globs !== null && this.#fetched++ < MAX_FETCHED) return this.#fetch(copying, found.end, path);
      return 'a symbolic link to what was not copied';
    }
    const target = await place(root, path);
    if (target === null) return 'something else is in its place';
    await symlink(posix.relative(posix.dirname(path), name), target);
    return null;
  }

  /** The file at `end` in the container, as `path`. */
  async #fetch(copying: Copying, end: string, path: string): Promise<string | null> {
    const archive = await archiveOf(copying, end);
    if (!archive) return 'a symbolic link that leads nowhere';
    for await (const entry of entriesOf(archive))
      return entry.type === 'file'
        ? await this.#file(copying.root, path, entry)
        : `a symbolic link to a ${entry.type}`;
    return 'a symbolic link that leads nowhere';
  }

  /** The daemon sends the second name of a file as a link to the first. */
  async #hardLink({ root, copied }: Copying, path: string, first: string): Promise<string | null> {
    const original = insideName(first);
    if (original === null || !copied.has(original) || (await place(root, original, false)) === null)
      return 'another name of a file that was not copied';
    const target = await place(root, path);
    if (target === null) return 'something else is in its place';
    await link(join(root, original), target);
    return null;
  }

  #leaveOut(path: string, reason: string): void {
    if (this.omitted.length < MAX_LISTED) this.omitted.push({ path, reason });
  }
}

/** Null: there is nothing of that path. Throws an error with words for clients. */
async function archiveOf({ daemon, id }: CopyRequest, path: string): Promise<Readable | null> {
  try {
    return await archiveAt(daemon, id, path);
  } catch (error) {
    throw new Error(`cannot be copied: ${daemonWords(error)}`, { cause: error });
  }
}

/** The name below the directory that was asked for, which comes first in every name. Null: that itself, or none of it. */
function insideName(name: string): string | null {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length < 2 || parts.includes('..') ? null : parts.slice(1).join('/');
}

async function wanted(globs: GlobPosition | null, path: string): Promise<boolean> {
  if (globs === null) return true;
  let position = globs;
  let matched = false;
  for (const part of path.split('/')) {
    const next = await step(position, part);
    matched = next.matched.length > 0;
    position = next.below;
  }
  return matched;
}

/**
 * Where a file goes, its parents made (real directories, never links), and an earlier file of its name gone. Null when a
 * link or something else than a file is in the way.
 */
async function place(root: string, path: string, clear = true): Promise<string | null> {
  const target = join(root, path);
  let parent = root;
  for (const part of dirname(path).split('/')) {
    if (part === '.') break;
    parent = join(parent, part);
    const stats = await lstat(parent).catch(() => null);
    if (stats === null) await mkdir(parent);
    else if (!stats.isDirectory()) return null;
  }
  const stats = await lstat(target).catch(() => null);
  if (stats?.isDirectory()) return null;
  if (stats && clear) await rm(target);
  return target;
}
