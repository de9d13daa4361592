import { parseJson } from '../platform/json-parse.ts';
/** One thing in a snapshot. Modes are permission bits; of a link there are none. Paths are relative, with slashes, in Unicode. */
export type Listed =
  | { path: string; type: 'file'; mode: number; size: number; sha256: string }
  | { path: string; type: 'directory'; mode: number }
  | { path: string; type: 'link'; target: string };

/**
 * The line of one thing in the canonical list of a tree: JSON, of one form only, so that the same content has the same
 * list. The list is stored as a content of its own, and its SHA-256 is the digest of the snapshot.
 */
export function lineOf(listed: Listed): string {
  const { path, type } = listed;
  const shown = JSON.stringify(path);
  if (type === 'directory') return `[${shown},"d","${octal(listed.mode)}"]\n`;
  if (type === 'link') return `[${shown},"l",${JSON.stringify(listed.target)}]\n`;
  return `[${shown},"f","${octal(listed.mode)}",${listed.size},"${listed.sha256}"]\n`;
}

/** What lineOf made, with or without its end. */
export function readLine(line: string): Listed {
  const [path, letter, word, size, sha256] = parseJson(line) as [string, string, string, number, string];
  if (letter === 'd') return { path, type: 'directory', mode: Number.parseInt(word, 8) };
  if (letter === 'l') return { path, type: 'link', target: word };
  return { path, type: 'file', mode: Number.parseInt(word, 8), size, sha256 };
}

/** The order of a list: a directory before what is in it, names by their bytes. Less than 0: `a` comes first. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  const [as, bs] = [a.split('/'), b.split('/')];
  for (let at = 0; at < as.length && at < bs.length; at++) {
    const [one, other] = [as[at] ?? '', bs[at] ?? ''];
    if (one !== other) return Buffer.compare(Buffer.from(one), Buffer.from(other));
  }
  return as.length - bs.length;
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');
