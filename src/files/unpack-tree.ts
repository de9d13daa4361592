import { closeSync, write as writeLater, writeSync } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BadName, partsOf } from './names.ts';
import { BadTar, type TarEntry, tarEntries } from './tar-entries.ts';
import { TAR_END } from './tar-head.ts';
import { Tree } from './tree.ts';
import { BadArchive } from './unpack.ts';

const write = promisify(writeLater);

/** Files come in chunks; up to this they are written at once, larger ones by the thread pool. */
const SMALL_BYTES = 64 * 1024;
/** After so long others have their turn. */
const TURN_MS = 5;
/** Deeper trees are not gone into: each level is an open directory. */
const MAX_DEPTH = 256;
/** What bytes that are no UTF-8 have become. */
const UNTOLD = '\ufffd';

export interface TreeTaking {
  /** What is not taken, by its path below the directory, and why. */
  leaveOut(path: string, reason: string): void;
  /** Before each piece; `names`: so many have come. What it throws ends the work. */
  goOn(names: number): void;
}

/**
 * Unpacks the tar of one directory, whose own name begins every name in it, into an empty directory that nobody else has.
 * Who made the tree is not trusted: links are made as they are, wherever they lead, and never followed; what is no file, directory or
 * link, and what has no name that can be told, is left out. Throws BadArchive where it is not whole: nobody may take it for all there is.
 */
export async function unpackTree(source: Readable, root: string, taking: TreeTaking): Promise<void> {
  const end = new End();
  const unpacking = new Unpacking(new Tree(root), taking);
  try {
    for await (const entry of tarEntries(end.of(source))) await unpacking.take(entry);
  } catch (error) {
    throw error instanceof BadTar ? new BadArchive(error.message, { cause: error }) : error;
  } finally {
    source.destroy(); // what ends before it does
    unpacking.close();
  }
  if (!unpacking.isBegun || !end.isThere) throw new BadArchive('the archive of the directory is not whole');
}

class Unpacking {
  readonly #tree: Tree;
  readonly #taking: TreeTaking;
  /** The directories around what comes, with the modes that they get when it comes elsewhere. */
  readonly #around: { path: string; parts: string[]; mode: number }[] = [];
  #name: string | null = null;
  #names = 0;
  #since = performance.now();

  constructor(tree: Tree, taking: TreeTaking) {
    this.#tree = tree;
    this.#taking = taking;
  }

  get isBegun(): boolean {
    return this.#name !== null;
  }

  /** The last directories get their modes. */
  close(): void {
    try {
      this.#leave('');
    } finally {
      this.#tree.close();
    }
  }

  /** What is not read of it is passed over. */
  async take(entry: TarEntry): Promise<void> {
    this.#taking.goOn(++this.#names);
    const path = this.#below(entry.name, entry.type);
    const why = path === '' ? null : reasonAgainst(path, entry);
    if (why !== null) this.#taking.leaveOut(path, why);
    else if (path !== '') {
      this.#leave(path);
      await this.#make(path, entry);
    }
    if (performance.now() - this.#since < TURN_MS) return;
    await turn();
    this.#since = performance.now();
  }

  async #make(path: string, { type, mode, target, content }: TarEntry): Promise<void> {
    const parts = partsOf(path);
    if (type === 'file')
      return this.#file(parts, mode & 0o777, Buffer.isBuffer(content) ? [content] : content);
    if (type === 'directory') {
      this.#tree.directory(parts);
      this.#around.push({ path: `${path}/`, parts, mode: mode & 0o777 });
    } else if (type === 'link') this.#tree.anyLink(parts, target);
    else this.#otherName(path, parts, this.#below(target, 'file'));
  }

  /** Another name of a file that has come; or of one that was left out, as a link's second name may be. */
  #otherName(path: string, parts: string[], of: string): void {
    try {
      this.#tree.hardLink(parts, partsOf(of));
    } catch (error) {
      if (!(error instanceof BadName)) throw error;
      this.#taking.leaveOut(path, 'another name of what was left out');
    }
  }

  async #file(
    parts: string[],
    mode: number,
    content: Iterable<Buffer> | AsyncIterable<Buffer>,
  ): Promise<void> {
    const fd = this.#tree.file(parts, mode);
    try {
      for await (const chunk of content) {
        this.#taking.goOn(this.#names);
        for (let at = 0; at < chunk.length; )
          at +=
            chunk.length <= SMALL_BYTES
              ? writeSync(fd, chunk, at)
              : (await write(fd, chunk, at)).bytesWritten;
      }
    } finally {
      closeSync(fd);
    }
  }

  /** Those around the last one that are not around this one get their modes: nothing more comes into them. */
  #leave(path: string): void {
    for (let last = this.#around.at(-1); last && !path.startsWith(last.path); last = this.#around.at(-1)) {
      this.#around.pop();
      this.#tree.directory(last.parts, last.mode);
    }
  }

  /** The path below the directory, whose entry comes first. '': that itself. */
  #below(name: string, type: string): string {
    const clean = name.replace(/\/+$/, '');
    if (this.#name === null) {
      if (type !== 'directory') throw new BadArchive('it is not the archive of a directory');
      this.#name = basename(clean);
    }
    const own = this.#name;
    if (clean === own) return '';
    if (!clean.startsWith(`${own}/`))
      throw new BadArchive(`it has what is not in the directory: ${JSON.stringify(name)}`);
    return clean.slice(own.length + 1);
  }
}

function reasonAgainst(path: string, { type, target }: TarEntry): string | null {
  if (path.includes(UNTOLD)) return 'its name is not UTF-8';
  if (path.split('/').length > MAX_DEPTH) return 'too many directories around it';
  if (type === 'link') return target.includes(UNTOLD) ? 'a link whose text is not UTF-8' : null;
  if (type === 'FIFO') return 'a FIFO';
  return type === 'character device' || type === 'block device' ? 'a device' : null;
}

/** Is the end of a tar at the end of a stream: one that was cut between two entries looks as if it were whole. */
class End {
  #tail = Buffer.alloc(0);

  get isThere(): boolean {
    return this.#tail.equals(TAR_END);
  }

  async *of(source: Readable): AsyncGenerator<Buffer> {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAR_END.length)]).subarray(-TAR_END.length);
      yield chunk;
    }
  }
}
