import { closeSync, constants, createReadStream, fstatSync, openSync, realpathSync } from 'node:fs';
import { relative } from 'node:path';
import type { RunContext } from '../../src/contract/context.ts';
import { CannotBegin, Rejected } from '../../src/contract/outcome.ts';
import type { PrivatePlaces } from '../../src/disk/private-places.ts';
import { partsOf } from '../../src/files/names.ts';
import type { ScanOf } from '../../src/files/scan.ts';
import { inTheWay, type OpenDirectory, within } from '../../src/files/way.ts';
import { messageOf } from '../../src/platform/error-words.ts';
import { isInside } from '../../src/platform/inside.ts';
import { hidesItsLength, isOfProc } from '../../src/platform/kernel-file.ts';
import { shortageOf } from '../../src/platform/shortage.ts';
import type { FileToSend } from '../wire/body.ts';

// A FIFO that is there is not waited for.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The working directory of a run, in which no link is followed. */
export interface WorkTree extends ScanOf {
  /** From its root to the working directory. */
  way: readonly string[];
}

/** Of a directory that the server made, and that others write to, all is a way within; another is where its path leads. */
export function workTree(
  { workingDirectory, directory }: Pick<RunContext, 'workingDirectory' | 'directory'>,
  places: PrivatePlaces,
): WorkTree {
  const view = places.look(directory);
  const isOwn = isInside(directory.work, workingDirectory);
  return {
    root: isOwn ? directory.work : realpathSync.native(workingDirectory),
    way: isOwn ? relative(directory.work, workingDirectory).split('/').filter(Boolean) : [],
    isPrivate: (stats, descriptor) => view.holdsFile(stats, descriptor),
  };
}

/** A file that stays open, so that each time the same bytes are sent whatever has its name by then. */
export interface InnerFile extends FileToSend {
  close(): void;
}

/** Throws Rejected, naming `field`, for what is no file in the tree; CannotBegin where something has run out. */
export function openInner(tree: WorkTree, path: string, field: string): InnerFile {
  try {
    const parts = [...tree.way, ...partsOf(path)];
    const fd = within(tree, parts.slice(0, -1), false, (directory) => openFile(tree, directory, parts));
    const { size, mtimeNs } = fstatSync(fd, { bigint: true });
    async function* read(): AsyncGenerator<Buffer> {
      const now = fstatSync(fd, { bigint: true });
      if (now.size !== size || now.mtimeNs !== mtimeNs)
        throw new Error(`${field} was changed: it is not sent again`);
      yield* createReadStream('', { fd, autoClose: false, start: 0, end: Number(size) - 1 });
    }
    return { size: Number(size), read, mediaType: 'application/octet-stream', close: () => closeSync(fd) };
  } catch (error) {
    const words = `${field}: ${messageOf(error)}`;
    throw shortageOf(error) ? new CannotBegin(words, { cause: error }) : new Rejected(words);
  }
}

function openFile(tree: ScanOf, directory: OpenDirectory | null, parts: readonly string[]): number {
  const path = parts.join('/');
  const name = parts.at(-1) ?? '';
  const there = directory?.stats(name) ?? null;
  const refuse = (why: string): never => {
    throw new Error(`${JSON.stringify(path)} ${why}`);
  };
  if (directory === null || there === null) return refuse('is not there');
  if (there.isSymbolicLink()) return refuse('is a link, which is not followed');
  if (!there.isFile()) return refuse('is no regular file');
  let fd: number;
  try {
    fd = openSync(directory.at(name), FLAGS);
  } catch (error) {
    throw inTheWay(error, path);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return refuse('is no regular file');
    if (tree.isPrivate(stats, fd)) return refuse('holds the data of the server');
    if (isOfProc(fd)) return refuse('is a file of /proc, which has no content of its own');
    if (hidesItsLength(fd)) return refuse('has more bytes than its size says, and cannot be sent');
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
