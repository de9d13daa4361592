import {
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  openSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { Rejected } from '../../src/contract/outcome.ts';
import { isInside } from '../../src/platform/inside.ts';

const NOBODY = '65534:65534';
const ROOTS = new Set(['', '0', 'root']);

export interface UserFacts {
  /** As the spec says. */
  asked: string | undefined;
  /** USER of the image. */
  image: string;
  /** Mounted working directory, or null. */
  workspace: { path: string; scratch: boolean } | null;
  /** Of the server. */
  uid: number;
  gid: number;
}

/**
 * Who a program is in the container: whom the invocation names; else whoever owns what it works on, so that
 * both it and the server can use the files; else the image's user; never root unless that is said.
 */
export function userOf({ asked, image, workspace, uid, gid }: UserFacts): string {
  if (asked !== undefined) return asked;
  if (workspace !== null && !workspace.scratch) {
    const owner = statSync(workspace.path);
    if (owner.uid !== 0) return `${owner.uid}:${owner.gid}`;
  }
  if (workspace?.scratch && uid !== 0) return `${uid}:${gid}`;
  return ROOTS.has(image.split(':')[0] ?? '') ? NOBODY : image;
}

/**
 * Let the container's user write to the directories the server made for the run. The run's own directory is
 * in one that nobody but the server can enter, so it may be open.
 */
export function openToUser(
  { home, artifactDirectory }: { home: string; artifactDirectory: string | null },
  scratch: boolean,
  user: string,
): void {
  if (scratch) openWithin(home, home);
  if (artifactDirectory === null) return;
  if (scratch && isInside(home, artifactDirectory)) return openWithin(artifactDirectory, home);
  const { uid } = statSync(artifactDirectory);
  const [owner, group] = user.split(':').map(Number);
  if (process.getuid?.() === 0 && uid === 0 && Number.isInteger(owner) && Number.isInteger(group))
    chownSync(artifactDirectory, owner ?? 0, group ?? 0);
}

/** By what is open: a program of another run of the workspace may have put a link in its place. */
function openWithin(path: string, home: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const real = HAS_PROC ? readlinkSync(`/proc/self/fd/${fd}`) : realpathSync(path);
    if (!isInside(realpathSync(home), real))
      throw new Rejected(`a symbolic link leads out of the workspace: ${path}`);
    fchmodSync(fd, 0o777);
  } finally {
    closeSync(fd);
  }
}

const HAS_PROC = existsSync('/proc/self/fd');
