import { closeSync, constants, fchmodSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nameOf, type RunDirectory } from '../../src/disk/run-directory.ts';
import { partsOf } from '../../src/files/names.ts';
import { InTheWay, inTheWay, type OpenDirectory, within } from '../../src/files/way.ts';
import { codeOf } from '../../src/platform/error-words.ts';
import { storageText } from '../../src/platform/shortage.ts';
import type { WorkTree } from './inner-file.ts';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const FILE_MODE = 0o644;

/** The body of an answer on its way to a path in the working directory: whole there, or nothing of it. */
export class SavedAnswer {
  readonly #tree: WorkTree;
  readonly #parts: readonly string[];
  readonly #directory: RunDirectory;
  readonly #limit: number;
  #fd: number | null = null;
  #bytes = 0;
  /** Why it will not be there. */
  #failed: string | null = null;

  /** `limit`: bytes of an answer that may be saved. */
  constructor(tree: WorkTree, path: string, directory: RunDirectory, limit: number) {
    this.#tree = tree;
    this.#parts = [...tree.way, ...partsOf(path)];
    this.#directory = directory;
    this.#limit = limit;
  }

  /** An answer that is wanted begins. */
  begin(): void {
    this.drop();
    this.#attempt(() => {
      rmSync(this.#place, { force: true }); // what an earlier server left
      this.#fd = openSync(this.#place, NEW_FILE, 0o600);
    });
  }

  /** Throws nothing: what could not be written is told by `keep`. */
  write(chunk: Buffer): void {
    const fd = this.#fd;
    if (fd === null || this.#failed !== null) return;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limit)
      this.#failed = `the answer is longer than max_output_bytes (${this.#limit})`;
    else
      this.#attempt(() => {
        for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
      });
  }

  /** It is whole: it gets its name. Resolves with why it does not, in words; null: it is there. */
  async keep(): Promise<string | null> {
    if (this.#fd !== null && this.#failed === null)
      try {
        await this.#put(this.#fd);
      } catch (error) {
        this.#failed = error instanceof Error && !codeOf(error) ? error.message : storageText(error);
      }
    const failed = this.#failed;
    this.drop();
    return failed;
  }

  /** What came is not wanted, or has its name already. */
  drop(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    if (this.#fd !== null) rmSync(this.#place, { force: true });
    this.#fd = null;
    this.#bytes = 0;
    this.#failed = null;
  }

  /** Once, by a server that resumes the run: what the one before it may have left. */
  sweep(): void {
    rmSync(this.#place, { force: true });
    within(this.#tree, this.#parts.slice(0, -1), false, (directory) => {
      if (directory !== null) rmSync(directory.at(this.#part), { force: true });
    });
  }

  async #put(fd: number): Promise<void> {
    const name = this.#parts.at(-1) ?? '';
    const directory = within(this.#tree, this.#parts.slice(0, -1), true, (at) => at?.again());
    if (directory === undefined) throw new InTheWay(this.#parts.join('/'), 'is in no directory');
    try {
      const there = directory.stats(name);
      fchmodSync(fd, there?.isFile() ? Number(there.mode) & 0o777 : FILE_MODE);
      try {
        renameSync(this.#place, directory.at(name));
      } catch (error) {
        if (codeOf(error) !== 'EXDEV') throw error;
        await this.#copyTo(directory, name);
      }
    } catch (error) {
      throw inTheWay(error, this.#parts.join('/'));
    } finally {
      directory.close();
    }
  }

  /** The working directory is on another file system. */
  async #copyTo(directory: OpenDirectory, name: string): Promise<void> {
    const part = directory.at(this.#part);
    rmSync(part, { force: true });
    try {
      await copyFile(this.#place, part, constants.COPYFILE_EXCL);
      renameSync(part, directory.at(name));
    } finally {
      rmSync(part, { force: true });
    }
  }

  get #place(): string {
    return join(this.#directory.root, 'answer');
  }

  /** No other run has it. */
  get #part(): string {
    return `.runwire-${nameOf(this.#directory)}.part`;
  }

  #attempt(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#failed = storageText(error);
    }
  }
}
