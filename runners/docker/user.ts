import { chmodSync, chownSync, statSync } from 'node:fs';
import type { RunContext } from '../../src/contract/context.ts';
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
 * Let the container's user write to the directories the server made for the run. The scratch directory is
 * in one that nobody but the server can enter, so it may be open.
 */
export function openToUser(
  ctx: Pick<RunContext, 'workingDirectory' | 'artifactDirectory'>,
  scratch: boolean,
  user: string,
): void {
  if (scratch) chmodSync(ctx.workingDirectory, 0o777);
  if (ctx.artifactDirectory === null) return;
  const { uid } = statSync(ctx.artifactDirectory);
  if (scratch && isInside(ctx.workingDirectory, ctx.artifactDirectory)) {
    chmodSync(ctx.artifactDirectory, 0o777);
    return;
  }
  const [owner, group] = user.split(':').map(Number);
  if (process.getuid?.() === 0 && uid === 0 && Number.isInteger(owner) && Number.isInteger(group))
    chownSync(ctx.artifactDirectory, owner ?? 0, group ?? 0);
}
