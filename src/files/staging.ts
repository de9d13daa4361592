import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Filling } from './fill.ts';
import { Ledger, type UploadCaps } from './ledger.ts';
import { Tree } from './tree.ts';

/**
 * Files on their way in. They are whole before anything is told of them, and what a crash leaves is swept at the next
 * start: nothing but this process knows of them until they are moved to where they belong.
 */
export class Staging {
  readonly #place: string;
  readonly #caps: UploadCaps;

  constructor(dataDir: string, caps: UploadCaps) {
    this.#place = join(dataDir, 'uploads');
    this.#caps = caps;
  }

  /** Throws what the storage says. */
  begin(): StagedFiles {
    mkdirSync(this.#place, { recursive: true, mode: 0o700 });
    return new StagedFiles(join(this.#place, randomUUID()), this.#caps);
  }

  /** Once, at the start: what an earlier server had begun. Returns how many there were. */
  async sweep(): Promise<number> {
    let names: string[];
    try {
      names = readdirSync(this.#place);
    } catch {
      return 0; // nothing was ever sent
    }
    for (const name of names) await rm(join(this.#place, name), { recursive: true, force: true });
    return names.length;
  }
}

/** One request's files. */
export class StagedFiles {
  readonly #root: string;
  readonly filling: Filling;
  #closed = false;

  constructor(root: string, caps: UploadCaps) {
    this.#root = root;
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.filling = new Filling(new Tree(this.#directory), new Ledger(caps));
  }

  /** Where an archive may be kept that has to be whole. */
  get aside(): string {
    return join(this.#root, 'archive');
  }

  get #directory(): string {
    return join(this.#root, 'files');
  }

  get isEmpty(): boolean {
    return this.filling.ledger.files === 0;
  }

  /** SHA-256 (hex) of all names, modes and contents, in whatever order they came. Null: not all were hashed. */
  digest(): string | null {
    if (this.filling.files.some(({ sha256 }) => sha256 === null)) return null;
    const hash = createHash('sha256');
    const lines = this.filling.files.map(({ path, mode, sha256 }) => JSON.stringify([path, mode, sha256]));
    for (const line of lines.sort()) hash.update(`${line}\n`);
    return hash.digest('hex');
  }

  /** Nothing more is put in. */
  close(): void {
    if (!this.#closed) this.filling.tree.close();
    this.#closed = true;
  }

  /** They are where they belong, at once and as a whole. */
  moveTo(directory: string): void {
    this.close();
    renameSync(this.#directory, directory);
  }

  /** What is still here goes. */
  async discard(): Promise<void> {
    this.close();
    await rm(this.#root, { recursive: true, force: true });
  }
}
