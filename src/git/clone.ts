import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../platform/remove-tree.ts';
import { checkSize, sizeOf, type TreeCaps } from './growth.ts';
import type { GitEnd } from './program.ts';
import type { GitReference } from './reference.ts';
import { gitRefusal } from './refusal.ts';
import { isUnadvertised } from './words.ts';

export interface CloneParts {
  /** Runs git in a directory below the place. */
  run(directory: string, args: readonly string[], onOutput?: (chunk: Buffer) => void): Promise<GitEnd>;
  /** Why it failed, for clients. */
  failure(end: GitEnd): Promise<Error>;
  place: string;
  url: string;
  reference: GitReference;
  caps: TreeCaps;
}

const TREE = 'tree';
const CLONE = ['clone', '--quiet', '--no-progress', '--no-checkout', '--template='];
const LONGEST_ENTRY = 64 * 1024;

/** Makes `<place>/tree`: the repository and its files. Resolves with the commit; null: it has none. */
export async function clone(parts: CloneParts): Promise<string | null> {
  await (parts.reference.kind === 'exact' ? bringExact(parts, parts.reference) : bringNamed(parts));
  const commit = await commitOf(parts, 'HEAD');
  if (commit === null) {
    if (parts.reference.kind === 'head') return null;
    throw gitRefusal('ref', 'is no commit');
  }
  await checkBefore(parts);
  await mustRun(parts, TREE, ['read-tree', '--reset', '-u', 'HEAD']);
  return commit;
}

/** A branch or a tag, or what the repository begins with. */
async function bringNamed(parts: CloneParts): Promise<void> {
  const { reference } = parts;
  const name = reference.kind === 'name' ? [`--branch=${reference.name}`] : [];
  await mustRun(parts, '', [
    ...CLONE,
    '--depth=1',
    '--single-branch',
    '--no-tags',
    ...name,
    '--',
    parts.url,
    TREE,
  ]);
}

async function bringExact(
  parts: CloneParts,
  { name, isCommit }: Extract<GitReference, { kind: 'exact' }>,
): Promise<void> {
  await mkdir(join(parts.place, TREE));
  const format = name.length === 64 && isCommit ? ['--object-format=sha256'] : [];
  await mustRun(parts, TREE, ['init', '--quiet', '--template=', ...format]);
  await mustRun(parts, TREE, ['remote', 'add', 'origin', parts.url]);
  const fetch = ['fetch', '--quiet', '--no-progress', '--depth=1', '--no-tags', 'origin', name];
  const fetched = await parts.run(TREE, fetch);
  if (fetched.code === 0) return detach(parts, 'FETCH_HEAD');
  if (!isCommit || !isUnadvertised(fetched)) throw await parts.failure(fetched);
  // It gives commits only with the branches and tags they are in.
  await removeTree(join(parts.place, TREE));
  await mustRun(parts, '', [...CLONE, '--', parts.url, TREE]);
  if ((await commitOf(parts, name)) === null)
    throw gitRefusal('ref', `there is no ${name} in the repository`);
  await detach(parts, name);
}

async function detach(parts: CloneParts, name: string): Promise<void> {
  const commit = await commitOf(parts, name);
  if (commit === null) throw gitRefusal('ref', 'is no commit');
  await mustRun(parts, TREE, ['update-ref', '--no-deref', 'HEAD', commit]);
}

/** Null: there is none of the name. */
async function commitOf(parts: CloneParts, name: string): Promise<string | null> {
  const { code, output } = await parts.run(TREE, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
  return code === 0 ? output.trim() : null;
}

/** A small repository may hold a huge tree: what would be written is counted before it is. */
async function checkBefore(parts: CloneParts): Promise<void> {
  const size = await sizeOf(join(parts.place, TREE), parts.caps);
  let rest = '';
  const count = (chunk: Buffer): void => {
    const entries = (rest + chunk.toString('latin1')).split('\0');
    rest = entries.pop() ?? '';
    if (rest.length > LONGEST_ENTRY) throw gitRefusal('url', 'the repository has a path that is too long');
    for (const entry of entries) {
      size.files++;
      // mode, type, object, size or -, and after a tab the path
      size.bytes += Number(entry.split('\t', 1)[0]?.split(/ +/)[3]) || 0;
      checkSize(size, parts.caps);
    }
  };
  await mustRun(parts, TREE, ['ls-tree', '-r', '-t', '-l', '-z', '--full-tree', 'HEAD'], count);
}

async function mustRun(
  parts: CloneParts,
  directory: string,
  args: readonly string[],
  onOutput?: (chunk: Buffer) => void,
): Promise<void> {
  const end = await parts.run(directory, args, onOutput);
  if (end.code !== 0) throw await parts.failure(end);
}
