import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { Failure } from '../process/failure.ts';
import { leadsOut } from './leads-out.ts';

/** Permission bits alone: nothing becomes a program of another user. */
const PERMISSIONS = 0o777;

export interface Landed {
  mode: number;
  modifiedAt: Date;
}

/** What is written beside, and not yet in its place. */
const unfinished = new Set<string>();

/** Whoever is interrupted, or fails, leaves nothing half. */
export function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
  unfinished.clear();
}

/**
 * A directory here, which files come into. Nothing is written outside of it: names that lead out are refused, no link is gone
 * through, and links that lead out are not made. A file is written beside and renamed. Paths are relative, with slashes.
 */
export class Landing {
  readonly root: string;
  readonly #made = new Set<string>();
  readonly #modes = new Map<string, number>();
  readonly #links = new Map<string, string>();

  constructor(root: string) {
    this.root = root;
  }

  /** Is this file there already, with these bytes. */
  async has(path: string, size: number, sha256: string): Promise<boolean> {
    const at = this.#at(path);
    for (let way = above(path); way !== ''; way = above(way))
      if (!lstatSync(this.#at(way), { throwIfNoEntry: false })?.isDirectory()) return false;
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (!stats?.isFile() || stats.size !== size) return false;
    const hash = createHash('sha256');
    for await (const part of createReadStream(at)) hash.update(part);
    return hash.digest('hex') === sha256;
  }

  directory(path: string, mode: number): void {
    this.#make(path);
    this.#modes.set(path, mode & PERMISSIONS);
  }

  /** Resolves with the hash of what came, when it is in its place; not put there where `isGood` says no. */
  async file(
    path: string,
    { mode, modifiedAt }: Landed,
    bytes: AsyncIterable<Uint8Array>,
    isGood: (sha256: string) => boolean = () => true,
  ): Promise<string> {
    const at = this.#at(path);
    this.#make(above(path));
    if (lstatSync(at, { throwIfNoEntry: false })?.isDirectory())
      throw new Failure(`${at} is a directory, and a file is to be there`);
    const beside = join(dirname(at), `.runwire-${randomBytes(6).toString('hex')}`);
    const hash = createHash('sha256');
    unfinished.add(beside);
    try {
      const file = await open(beside, 'wx', 0o600);
      try {
        for await (const part of bytes) {
          hash.update(part);
          await file.writeFile(part);
        }
        await file.utimes(modifiedAt, modifiedAt);
        await file.chmod(mode & PERMISSIONS);
      } finally {
        await file.close();
      }
      const sha256 = hash.digest('hex');
      if (isGood(sha256)) {
        await rename(beside, at);
        unfinished.delete(beside);
      }
      return sha256;
    } finally {
      if (unfinished.delete(beside)) await rm(beside, { force: true });
    }
  }

  /** A file that is there already becomes what it is to be. */
  keep(path: string, { mode }: Landed): void {
    chmodSync(this.#at(path), mode & PERMISSIONS);
  }

  /** It is made at the end. */
  link(path: string, target: string): void {
    this.#at(path);
    this.#links.set(path, target);
  }

  /** Makes the links, and gives directories their modes. Those that lead out are not made: their paths. */
  finish(): string[] {
    const textOf = (path: string): string | null => this.#links.get(path) ?? linkText(join(this.root, path));
    const bad = new Set([...this.#links.keys()].filter((path) => leadsOut(path, textOf)));
    for (const [path, target] of this.#links) {
      if (bad.has(path)) continue;
      this.#make(above(path));
      const at = this.#at(path);
      const there = lstatSync(at, { throwIfNoEntry: false });
      if (there?.isDirectory()) throw new Failure(`${at} is a directory, and a link is to be there`);
      if (there?.isSymbolicLink() && readlinkSync(at) === target) continue;
      if (there !== undefined) unlinkSync(at);
      symlinkSync(target, at);
    }
    const deepestFirst = [...this.#modes].sort(([a], [b]) => b.length - a.length);
    for (const [path, mode] of deepestFirst) chmodSync(this.#at(path), mode);
    return [...bad];
  }

  /** Where it is here. */
  #at(path: string): string {
    const parts = path.split('/');
    const isBad = (part: string): boolean =>
      part === '' ||
      part === '.' ||
      part === '..' ||
      part.includes('\0') ||
      (sep === '\\' && /[\\:]/.test(part));
    if (parts.some(isBad)) throw new Failure(`${JSON.stringify(path)} is no name of a file here`);
    return join(this.root, ...parts);
  }

  /** The directory and those above it. */
  #make(path: string): void {
    if (path === '' || this.#made.has(path)) return;
    this.#make(above(path));
    const at = this.#at(path);
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined) mkdirSync(at);
    else if (stats.isSymbolicLink()) throw new Failure(`${at} is a link: nothing is written through it`);
    else if (!stats.isDirectory()) throw new Failure(`${at} is a file, and a directory is to be there`);
    this.#made.add(path);
  }
}

const above = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

function linkText(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // there is nothing, or it is no link
  }
}
