import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Seen } from '../../src/disk/private-view.ts';
import { Hands } from '../../src/snapshots/hands.ts';
import type { Listed } from '../../src/snapshots/list.ts';

export const NOTHING_PRIVATE: Seen = { roots: [], scratch: null, identities: new Map(), files: [] };

/** Whoever removes a tree must be able to. */
function open(directory: string): void {
  fs.chmodSync(directory, 0o700);
  for (const entry of fs.readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) open(join(directory, entry.name));
}

export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A data directory with one tree, and hands to work on it. */
export class TreeRoom implements AsyncDisposable {
  readonly base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'runwire-tree-')));
  readonly data = join(this.base, 'data');
  readonly root = join(this.base, 'tree');
  readonly beside = join(this.base, 'beside');
  readonly index = join(this.base, 'index');
  readonly job = { root: this.root, index: this.index, seen: NOTHING_PRIVATE };
  readonly hands: Hands;

  constructor(options: { fsync?: boolean } = {}) {
    fs.mkdirSync(this.root);
    fs.mkdirSync(this.data);
    this.hands = new Hands(this.data, options);
  }

  at(path: string): string {
    return join(this.root, path);
  }

  /** Files by their paths, with what is in them; directories end in a slash. */
  fill(files: Record<string, string>): void {
    for (const [path, text] of Object.entries(files)) {
      fs.mkdirSync(join(this.at(path), path.endsWith('/') ? '.' : '..'), { recursive: true });
      if (!path.endsWith('/')) fs.writeFileSync(this.at(path), text);
    }
  }

  restore(digest: string, mode: 'exact' | 'overlay' = 'exact', onStaged?: () => Promise<void>) {
    return this.hands.restore({
      ...this.job,
      beside: this.beside,
      digest,
      mode,
      ...(onStaged && { onStaged }),
    });
  }

  async list(digest: string): Promise<Listed[]> {
    return all(this.hands.listed(digest));
  }

  contents(): string[] {
    const directory = join(this.data, 'contents');
    const names = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
    return names.flatMap((entry) => (/^[0-9a-f]{64}$/.test(entry.name) ? entry.name : [])).sort();
  }

  contentPath(sha256: string): string {
    return join(this.data, 'contents', sha256.slice(0, 2), sha256);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hands.close();
    open(this.root);
    fs.rmSync(this.base, { recursive: true, force: true });
  }
}
