import fs from 'node:fs';
import { join } from 'node:path';

type Shown = { [path: string]: number | [mode: number, text: string] | string };

/** All in a tree, and `.` itself: modes of directories, modes and text of files, where links lead. */
export function treeOf(root: string): Shown {
  const shown: Shown = { '.': fs.statSync(root).mode & 0o777 };
  for (const name of fs.readdirSync(root, { recursive: true }).map(String).sort()) {
    const place = join(root, name);
    const stats = fs.lstatSync(place);
    const mode = stats.mode & 0o777;
    if (stats.isSymbolicLink()) shown[name] = fs.readlinkSync(place);
    else shown[name] = stats.isDirectory() ? mode : [mode, fs.readFileSync(place, 'utf8')];
  }
  return shown;
}

/** Of everything that has a mode. */
export function modesIn(shown: Shown): number[] {
  return Object.values(shown).flatMap((one) =>
    typeof one === 'string' ? [] : Array.isArray(one) ? one[0] : one,
  );
}
