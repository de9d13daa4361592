import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import type { ResolvedAsset } from '../../src/assets/asset-book.ts';
import { StoredAssets, type StoredAssetsParts } from '../../src/assets/stored-assets.ts';
import { PrivatePlaces } from '../../src/disk/private-places.ts';
import { addressGuard } from '../../src/outbound/address-guard.ts';
import { Hands } from '../../src/snapshots/hands.ts';
import { InvocationStore } from '../../src/store/invocation-store.ts';
import { newRow } from './documents.ts';

export interface InTar {
  name: string;
  text?: string;
  mode?: number;
  link?: string;
}

/** A tar: directories end in a slash. */
export async function tarOf(entries: readonly InTar[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, text = '', mode, link } of entries) {
    const type = link !== undefined ? 'symlink' : name.endsWith('/') ? 'directory' : 'file';
    archive.entry({ name, type, ...(mode && { mode }), ...(link !== undefined && { linkname: link }) }, text);
  }
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Whoever removes a tree must be able to. */
function open(directory: string): void {
  fs.chmodSync(directory, 0o700);
  for (const entry of fs.readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) open(join(directory, entry.name));
}

/** Assets in a data directory of their own, and the store of it. */
export class AssetRoom implements AsyncDisposable {
  readonly base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'runwire-assets-')));
  readonly dataDir = join(this.base, 'data');
  readonly store: InvocationStore;
  readonly hands: Hands;
  readonly assets: StoredAssets;
  readonly told: object[] = [];
  shortage: string | null = null;
  sweeps = 0;

  constructor(parts: Partial<StoredAssetsParts> = {}, earlier?: string) {
    if (earlier) fs.cpSync(earlier, this.dataDir, { recursive: true });
    else fs.mkdirSync(this.dataDir);
    this.store = new InvocationStore(join(this.dataDir, 'runwire.db'));
    this.hands = new Hands(this.dataDir);
    this.assets = new StoredAssets({
      ...{ dataDir: this.dataDir, store: this.store, hands: this.hands, sync: false },
      ...{ places: new PrivatePlaces(this.dataDir), guard: addressGuard(), secrets: new Map() },
      ...{ maxBytes: 1e9, maxFiles: 1000, key: Buffer.alloc(32, 'k'), base: () => 'http://server.test/base' },
      disk: { shortage: () => this.shortage, spendReserve: () => {} },
      sweepLater: () => void this.sweeps++,
      log: { info: (facts) => this.told.push(facts), warn: (facts) => this.told.push(facts) },
      ...parts,
    });
  }

  async put(name: string, text: string | Buffer, mediaType = 'text/plain'): Promise<ResolvedAsset> {
    const bytes = one(Buffer.from(text));
    const { asset } = await this.assets.put(name, { from: 'body', bytes, extract: false, mediaType }, {});
    return asset;
  }

  async putTree(name: string, entries: readonly InTar[]): Promise<ResolvedAsset> {
    const bytes = one(await tarOf(entries));
    const { asset } = await this.assets.put(name, { from: 'body', bytes, extract: true, mediaType: '' }, {});
    return asset;
  }

  /** A run of this id that has these. */
  run(
    id: string,
    assets: readonly { name: string; version: number }[] = [],
  ): { id: string; createdAt: number } {
    const row = newRow(id, { assets });
    this.store.insert(row);
    return { id, createdAt: row.createdAt };
  }

  finish(id: string): void {
    const result = {
      status: 'succeeded',
      finishedAt: 2,
      result: '{}',
      outcome: '{}',
      outputBytes: 0,
    } as const;
    this.store.finish(id, result);
  }

  sweep() {
    return this.hands.sweep(
      () => this.store.assets.digests('directory'),
      () => this.store.assets.digests('file'),
    );
  }

  /** Names below a directory of the data directory, files and directories. */
  below(place: string): string[] {
    const directory = join(this.dataDir, place);
    return fs.existsSync(directory) ? fs.readdirSync(directory, { recursive: true }).map(String).sort() : [];
  }

  contents(): string[] {
    return this.below('contents').filter((name) => /[0-9a-f]{64}$/.test(name));
  }

  at(path: string): string {
    return join(this.base, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.assets.close();
    await this.hands.close();
    this.store.close();
    open(this.base);
    fs.rmSync(this.base, { recursive: true, force: true });
  }
}
