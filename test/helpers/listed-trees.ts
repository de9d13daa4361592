import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Contents, patchOf } from '../../src/diff/diff.ts';
import { comparePaths, type Listed, lineOf } from '../../src/snapshots/list.ts';

/** A tree in memory: what is at each path. Directories around it need not be said. */
export type Tree = Record<
  string,
  { file: string | Buffer; mode?: number } | { link: string } | { directory: number }
>;

export interface TreeRoom extends Contents, Disposable {
  /** Digest of a tree, which can be listed and whose contents are there from now on. */
  keep(tree: Tree): string;
  /** A directory with that tree in it. */
  write(tree: Tree): string;
  /** An empty directory of its own. */
  directory(): string;
  /** How often contents were asked for. */
  opened: number;
  /** Contents that are open now. */
  openNow(): number;
  forget(sha256: string): void;
  forgetAll(): void;
  /** The content loses its last byte. */
  shorten(sha256: string): void;
}

export function treeRoom(): TreeRoom {
  const place = mkdtempSync(join(tmpdir(), 'trees-'));
  mkdirSync(join(place, 'contents'));
  const lists = new Map<string, Listed[]>();
  const fileOf = (sha256: string): string => join(place, 'contents', sha256);
  const store = (bytes: string | Buffer): string => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(fileOf(sha256), bytes);
    return sha256;
  };
  const room: TreeRoom = {
    opened: 0,
    keep(tree) {
      const list = listOf(tree, store);
      const digest = createHash('sha256').update(list.map(lineOf).join('')).digest('hex');
      lists.set(digest, list);
      return digest;
    },
    async *listed(digest) {
      yield* lists.get(digest) ?? [];
    },
    content(sha256) {
      room.opened++;
      try {
        return openSync(fileOf(sha256), 'r');
      } catch {
        return null;
      }
    },
    openNow: () =>
      readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).startsWith(place)).length,
    forget: (sha256) => rmSync(fileOf(sha256)),
    forgetAll: () => rmSync(join(place, 'contents'), { recursive: true }),
    shorten: (sha256) => truncateSync(fileOf(sha256), statSync(fileOf(sha256)).size - 1),
    directory: () => mkdtempSync(join(place, 'written-')),
    write(tree) {
      const root = room.directory();
      for (const [path, thing] of Object.entries(tree)) writeThing(join(root, path), thing);
      return root;
    },
    [Symbol.dispose]: () => rmSync(place, { recursive: true, force: true }),
  };
  return room;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}

function writeThing(to: string, thing: Tree[string]): void {
  if ('directory' in thing) return void mkdirSync(to, { recursive: true, mode: thing.directory });
  mkdirSync(dirname(to), { recursive: true });
  if ('link' in thing) return symlinkSync(thing.link, to);
  writeFileSync(to, thing.file);
  chmodSync(to, thing.mode ?? 0o644);
}

function listOf(tree: Tree, store: (bytes: string | Buffer) => string): Listed[] {
  const found = new Map<string, Listed>();
  for (const [path, thing] of Object.entries(tree)) {
    for (let above = dirname(path); above !== '.'; above = dirname(above))
      if (!found.has(above)) found.set(above, { path: above, type: 'directory', mode: 0o755 });
    if ('directory' in thing) found.set(path, { path, type: 'directory', mode: thing.directory });
    else if ('link' in thing) found.set(path, { path, type: 'link', target: thing.link });
    else {
      const { file, mode = 0o644 } = thing;
      found.set(path, { path, type: 'file', mode, size: Buffer.byteLength(file), sha256: store(file) });
    }
  }
  return [...found.values()].sort((a, b) => comparePaths(a.path, b.path));
}

/** What is in a directory as git sees it: mode and bytes of each file and link. */
export function seenByGit(root: string, below = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(root, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    if (path === '.git') continue;
    const stats = lstatSync(join(root, path));
    if (stats.isDirectory()) Object.assign(found, seenByGit(root, path));
    else if (stats.isSymbolicLink()) found[path] = `120000 ${readlinkSync(join(root, path))}`;
    else
      found[path] =
        `${stats.mode & 0o100 ? '100755' : '100644'} ${readFileSync(join(root, path)).toString('base64')}`;
  }
  return found;
}

export async function patchText(contents: Contents, from: string, to: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of patchOf(contents, from, to)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Runs git, with nobody's configuration; the error has its words. */
export function git(cwd: string, args: string[], input?: Buffer): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  return execFileSync('git', args, {
    cwd,
    env: { ...env, GIT_CEILING_DIRECTORIES: dirname(cwd) },
    input,
    maxBuffer: 2 ** 28,
    stdio: ['pipe', 'pipe', 'pipe'],
  }).toString();
}

/** What git itself says of two directories. */
export function gitDiff(from: string, to: string, ...options: string[]): string {
  const trees = [from, to].map((root) => {
    git(root, ['init', '-q']);
    git(root, ['add', '-A', '-f']);
    return git(root, ['write-tree']).trim();
  });
  cpSync(join(to, '.git/objects'), join(from, '.git/objects'), { recursive: true });
  const diff = ['diff-tree', '-r', '--full-index', '--no-renames'];
  return git(from, [...diff, ...options, ...trees]);
}
