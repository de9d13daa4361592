import { hash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { pack } from 'tar-stream';
import type { AddressedRun, AssetBook, NamedAsset, ResolvedAsset } from '../../src/assets/asset-book.ts';
import type { ErrorCode } from '../../src/documents/errors.ts';
import { fieldRefusal } from '../../src/documents/field-errors.ts';

type Tree = { readonly [path: string]: string };

/** Assets of one test, kept in a directory: what a server keeps behaves as these do. */
export class HeldAssets implements AssetBook {
  readonly #root = mkdtempSync(join(tmpdir(), 'runwire-assets-'));
  readonly #versions = new Map<string, ResolvedAsset[]>();
  /** Where addresses are. */
  base = 'http://127.0.0.1:7070';
  /** Copies that are being made wait for this, and for the signal. */
  hold: Promise<void> | null = null;
  /** What making a copy says. */
  failure: Error | null = null;

  /** A file, or a directory by the paths of its files. */
  put(name: string, content: string | Tree): ResolvedAsset {
    const versions = this.#versions.get(name) ?? [];
    const version = versions.length + 1;
    const place = this.#place({ name, version });
    if (typeof content === 'string') writeFileSync(place, content);
    else {
      mkdirSync(place);
      for (const [path, text] of Object.entries(content)) {
        mkdirSync(join(place, path, '..'), { recursive: true });
        writeFileSync(join(place, path), text);
      }
    }
    setModes(place, false);
    const digest = hash('sha256', JSON.stringify(content));
    const bytes = JSON.stringify(content).length;
    const asset: ResolvedAsset = {
      ...{ name, version, digest, bytes },
      type: typeof content === 'string' ? 'file' : 'directory',
    };
    this.#versions.set(name, [...versions, asset]);
    return asset;
  }

  forget(name: string): void {
    this.#versions.delete(name);
  }

  resolve(
    { name, version, digest }: NamedAsset,
    { code, path }: { code: ErrorCode; path: string },
  ): ResolvedAsset {
    const versions = this.#versions.get(name) ?? [];
    const found = version === undefined ? versions.at(-1) : versions[version - 1];
    const words = version === undefined ? name : `${name}@${version}`;
    if (found === undefined) throw fieldRefusal(code, [{ path, message: `there is no asset ${words}` }]);
    if (digest !== undefined && digest !== found.digest)
      throw fieldRefusal(code, [
        { path: `${path}.digest`, message: `${words} is another one: ${found.digest}` },
      ]);
    return found;
  }

  address({ name, version }: ResolvedAsset, { id, createdAt }: AddressedRun): string {
    const signature = hash('sha256', `${name}@${version} ${id} ${createdAt}`);
    return `${this.base}/assets/${name}@${version}/content?run=${encodeURIComponent(id)}&expires=${createdAt}&signature=${signature}`;
  }

  async putAt(
    asset: ResolvedAsset,
    place: string,
    how: { writable: boolean; signal: AbortSignal },
  ): Promise<void> {
    if (asset.type === 'directory') mkdirSync(place);
    await this.#held(how.signal);
    if (this.failure !== null) throw this.failure;
    cpSync(this.#place(asset), place, { recursive: true });
    setModes(place, how.writable);
  }

  async prepared(asset: ResolvedAsset, signal: AbortSignal): Promise<string> {
    await this.#held(signal);
    return this.#place(asset);
  }

  pack(asset: ResolvedAsset, prefix: string, { writable }: { writable: boolean }): Readable {
    const tar = pack();
    const add = (place: string, name: string): void => {
      const stats = lstatSync(place);
      if (stats.isDirectory()) {
        tar.entry({ name: `${name}/`, type: 'directory', mode: writable ? 0o777 : 0o555 });
        for (const child of readdirSync(place)) add(join(place, child), `${name}/${child}`);
      } else tar.entry({ name, mode: writable ? 0o666 : 0o444 }, readFileSync(place));
    };
    void (this.hold ?? turn()).then(() => {
      add(this.#place(asset), prefix);
      tar.finalize();
    });
    return Readable.from(tar, { objectMode: false });
  }

  async #held(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => {});
    signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true });
    signal.throwIfAborted();
    await Promise.race([this.hold ?? turn(), aborted.promise]);
  }

  #place({ name, version }: Pick<ResolvedAsset, 'name' | 'version'>): string {
    return join(this.#root, `${name}@${version}`);
  }
}

function setModes(place: string, writable: boolean): void {
  const isDirectory = lstatSync(place).isDirectory();
  if (isDirectory) for (const name of readdirSync(place)) setModes(join(place, name), writable);
  chmodSync(place, (isDirectory ? 0o555 : 0o444) | (writable ? 0o200 : 0));
}
