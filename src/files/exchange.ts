import { randomUUID } from 'node:crypto';
import { fchmodSync, fsyncSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { removeTree } from '../platform/remove-tree.ts';
import { checkLinks, linksOver } from './archive-links.ts';
import type { EditedTree, EditOptions } from './edit.ts';
import { Filling } from './fill.ts';
import { Ledger } from './ledger.ts';
import { syncDirectories } from './sync.ts';
import { Tree } from './tree.ts';
import { unpack } from './unpack.ts';
import { checkDepth, InTheWay, inTheWay, type OpenDirectory, syncWay, within } from './way.ts';

/** After so long others have their turn. */
const TURN_MS = 5;

/**
 * Unpacks an archive into a living tree, below a path which is made: all of it beside, then it is renamed, file by file and
 * in whole directories where there is none of the name. What is there already is replaced; a directory in the place of a
 * file, and what is none in the place of a directory, are in the way. An archive that is refused, and one that does not
 * fit, changes nothing. Modes of directories that are there are changed where the archive names them.
 * Throws InTheWay, BadName, BadArchive, RunwireError body_too_large, what the tree says of its room, and what the storage says.
 */
export async function unpackInto(
  tree: EditedTree,
  into: readonly string[],
  source: AsyncIterable<Buffer>,
  { caps, sync }: EditOptions,
): Promise<{ files: number; bytes: number }> {
  const place = join(tree.beside, randomUUID());
  const root = join(place, 'tree');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  try {
    const staged = new NamedDirectories(root);
    const filling = new Filling(staged, new Ledger(caps), sync);
    filling.hashes = false; // nobody asks for them
    try {
      await unpack(source, filling, { aside: join(place, 'archive') });
      await filling.done();
      await checkLinks(staged.links.keys(), linksOver(root, join(tree.root, ...into)));
    } finally {
      staged.close();
    }
    if (sync) await syncDirectories(root);
    const sum = await sumOf(root, into.join('/'));
    let replaced = 0;
    await eachStep({ tree, into, root, make: false, sync: false }, ({ there }) => {
      replaced += there;
    });
    if (sum.bytes > replaced) await tree.take(sum.bytes - replaced);
    await exchange(tree, into, root, sync);
    await setModes(tree, into, staged.modes);
    return sum;
  } finally {
    await removeTree(place);
  }
}

/** Directories are filled before they get the mode that they are to have: here it is told, and set where they come to be. */
class NamedDirectories extends Tree {
  readonly modes = new Map<string, number>();

  override directory(parts: readonly string[], mode?: number): void {
    super.directory(parts);
    if (mode !== undefined) this.modes.set(parts.join('/'), mode);
  }
}

async function setModes(
  tree: EditedTree,
  into: readonly string[],
  modes: ReadonlyMap<string, number>,
): Promise<void> {
  let since = performance.now();
  for (const [path, mode] of [...modes].reverse()) {
    within(tree, [...into, ...path.split('/')], false, (there) => there && fchmodSync(there.fd, mode));
    if (performance.now() - since < TURN_MS) continue;
    await turn();
    since = performance.now();
  }
}

async function exchange(
  tree: EditedTree,
  into: readonly string[],
  root: string,
  sync: boolean,
): Promise<void> {
  let done = 0;
  try {
    await eachStep({ tree, into, root, make: true, sync }, ({ from, directory, name }) => {
      try {
        renameSync(from, directory.at(name));
      } catch (error) {
        throw inTheWay(error, directory.pathOf(name));
      }
      done++;
    });
  } catch (error) {
    if (!(error instanceof InTheWay) || done === 0) throw error;
    throw new InTheWay(error.path, `${error.why} (by now; ${done} before it are in place already)`);
  }
}

/** Something that came, and where in the living tree it is to be. */
interface Step {
  from: string;
  directory: OpenDirectory;
  name: string;
  /** Bytes of the file that it replaces. */
  there: number;
}

interface Steps {
  tree: EditedTree;
  into: readonly string[];
  root: string;
  /** Is what is above them made. */
  make: boolean;
  /** Is what was taken on the disk when it resolves. */
  sync: boolean;
}

/** Files, links, and directories of which there is none yet. Throws InTheWay. */
async function eachStep({ tree, into, root, make, sync }: Steps, take: (step: Step) => void): Promise<void> {
  let since = performance.now();
  // A level of the tree is an open directory; between two turns they stay open.
  const steps = within(tree, into, make, (directory) =>
    directory === null ? null : stepsOf(tree, root, directory.again(), sync),
  );
  for (const step of steps ?? []) {
    if (step !== null) take(step);
    if (performance.now() - since < TURN_MS) continue;
    await turn();
    since = performance.now();
  }
  if (sync) syncWay(tree, into);
}

/** Null where a directory is there already, so that many of these too are no step that lasts. */
function* stepsOf(
  tree: EditedTree,
  from: string,
  directory: OpenDirectory,
  sync: boolean,
): Generator<Step | null> {
  try {
    for (const name of readdirSync(from)) {
      const stats = lstatSync(join(from, name));
      const there = directory.stats(name);
      const path = directory.pathOf(name);
      if (!stats.isDirectory() && there?.isDirectory()) throw new InTheWay(path, 'is a directory');
      const below =
        stats.isDirectory() && there !== null ? directory.enter(name, tree.isPrivate, false) : null;
      if (below !== null) {
        yield* stepsOf(tree, join(from, name), below, sync);
        yield null;
      } else
        yield {
          from: join(from, name),
          directory,
          name,
          there: there?.isFile() ? Number(there.size) : 0,
        };
    }
    if (sync) fsyncSync(directory.fd);
  } finally {
    directory.close();
  }
}

/** What came, counted. */
async function sumOf(root: string, path: string): Promise<{ files: number; bytes: number }> {
  const sum = { files: 0, bytes: 0 };
  const waiting: { from: string; path: string }[] = [{ from: root, path }];
  let since = performance.now();
  for (let at = waiting.pop(); at; at = waiting.pop()) {
    checkDepth(at.path.split('/'));
    for (const name of readdirSync(at.from)) {
      const from = join(at.from, name);
      const stats = lstatSync(from);
      if (stats.isDirectory()) waiting.push({ from, path: at.path === '' ? name : `${at.path}/${name}` });
      if (stats.isFile()) {
        sum.files++;
        sum.bytes += stats.size;
      }
      if (performance.now() - since < TURN_MS) continue;
      await turn();
      since = performance.now();
    }
  }
  return sum;
}
