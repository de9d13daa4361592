import { readFileSync } from 'node:fs';
import { type BytePath, bytePath, joinBytes } from '../platform/byte-path.ts';
import { isInside } from '../platform/inside.ts';

interface Mount {
  /** major:minor of the file system. */
  device: string;
  /** The directory of the file system that is mounted. */
  root: BytePath;
  point: BytePath;
}

/**
 * Other paths at which a directory (real path), or a part of it, is seen: bind mounts have no link to follow. Linux
 * tells of them; elsewhere there are none.
 */
export function mountAliases(directory: BytePath): BytePath[] {
  const mounts = readMounts();
  const home = mounts
    .filter(({ point }) => isInside(point, directory))
    .reduce<Mount | null>(
      (best, mount) => (mount.point.length >= (best?.point.length ?? 0) ? mount : best),
      null,
    );
  if (!home) return [];
  const inside = moved(directory, home.point, home.root);
  return mounts.flatMap((mount) => {
    if (mount === home || mount.device !== home.device) return [];
    if (isInside(inside, mount.root)) return [mount.point];
    return isInside(mount.root, inside) ? [moved(inside, mount.root, mount.point)] : [];
  });
}

/** Where something is mounted in a directory (real path). */
export function mountsIn(directory: BytePath): BytePath[] {
  return readMounts()
    .map(({ point }) => point)
    .filter((point) => point !== directory && isInside(directory, point));
}

/** The path that is under `to` what `path` is under `from`. */
function moved(path: BytePath, from: BytePath, to: BytePath): BytePath {
  const rest = path.slice(from.length).replace(/^\//, '') as BytePath;
  return rest === '' ? to : joinBytes(to, rest);
}

function readMounts(): Mount[] {
  let text: string;
  try {
    text = bytePath(readFileSync('/proc/self/mountinfo'));
  } catch {
    return []; // there is no such file here
  }
  return text.split('\n').flatMap((line) => {
    const [, , device, root, point] = line.split(' ');
    if (device === undefined || root === undefined || point === undefined) return [];
    return [{ device, root: plain(root), point: plain(point) }];
  });
}

/** Space, tab, newline and backslash are written as octal numbers there. */
function plain(word: string): BytePath {
  return word.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  ) as BytePath;
}
