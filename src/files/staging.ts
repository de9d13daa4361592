import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { removeTree } from '../platform/remove-tree.ts';
import { checkLinks } from './archive-links.ts';
import { Filling } from './fill.ts';
import { Ledger, type UploadCaps } from './ledger.ts';
import { syncDirectories } from './sync.ts';
import { Tree, TreeClosed } from './tree.ts';

export { TreeClosed };

/**
 * Files on their way in. They are whole before anything is told of them, and what a crash leaves is swept at the next
 * start: nothing but this process knows of them until they are moved to where they belong.
 */
export class Staging {
  readonly #place: string;
  readonly #caps: UploadCaps;
  readonly #sync: boolean;
  readonly #bytesFrom: string | undefined;

  /** `sync`: a power cut leaves them too, once they were said to be whole. `bytesFrom`: as of Ledger. */
  constructor(dataDir: string, caps: UploadCaps, sync = false, bytesFrom?: string) {
    this.#place = join(dataDir, 'uploads');
    this.#caps = caps;
    this.#sync = sync;
    this.#bytesFrom = bytesFrom;
  }

  /** Throws what the storage says. */
  begin(): StagedFiles {
    mkdirSync(this.#place, { recursive: true, mode: 0o700 });
    const ledger = new Ledger(this.#caps, this.#bytesFrom);
    return new StagedFiles(join(this.#place, randomUUID()), ledger, this.#sync);
  }

  /** Once, at the start: what an earlier server had begun. Returns how many there were. */
  async sweep(): Promise<number> {
    let names: string[];
    try {
      names = readdirSync(this.#place);
    } catch {
      return 0; // nothing was ever sent
    }
    for (const name of names) await removeTree(join(this.#place, name));
    return names.length;
  }
}

/** One request's files. */
export class StagedFiles {
  readonly #root: string;
  readonly filling: Filling;
  readonly #sync: boolean;

  constructor(root: string, ledger: Ledger, sync: boolean) {
    this.#root = root;
    this.#sync = sync;
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    this.filling = new Filling(new Tree(this.directory), ledger, sync);
  }

  /** Where an archive may be kept that has to be whole. */
  get aside(): string {
    return join(this.#root, 'archive');
  }

  /** Where they are until they are moved. */
  get directory(): string {
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

  /** All have come. Throws BadName for a link that leads out over another one, and what the storage says. */
  async whole(): Promise<void> {
    const { links } = this.filling.tree;
    await checkLinks(links.keys(), (path) => links.get(path) ?? null);
    await this.filling.done();
    if (this.#sync) await syncDirectories(this.directory);
  }

  /** One that was put in is another from now on. Throws what the storage says. */
  replace({ parts, mode }: { parts: readonly string[]; mode: number }, content: Buffer): void {
    const other = join(this.#root, 'other');
    const fd = openSync(other, 'wx', 0o600);
    try {
      fchmodSync(fd, mode);
      for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
      if (this.#sync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    this.filling.tree.replace(parts, other);
    if (this.#sync) syncNow(dirname(join(this.directory, ...parts)));
  }

  /** Nothing more is put in. */
  close(): void {
    this.filling.tree.close();
  }

  /** They are where they belong, at once and as a whole. */
  moveTo(directory: string): void {
    this.close();
    renameSync(this.directory, directory);
    // The directory of the run, and the one that has it, are new or have a new name.
    if (this.#sync) for (const above of [dirname(directory), dirname(dirname(directory))]) syncNow(above);
  }

  /** What is still here goes. */
  async discard(): Promise<void> {
    this.close();
    await this.filling.done().catch(() => {}); // nobody waits for them any more
    await removeTree(this.#root);
  }
}

function syncNow(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
