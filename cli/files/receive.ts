import { ConnectionError, exactly, type FileEntry, ProtocolError, untarred } from '../../client/runwire.ts';
import { EXIT } from '../process/exit-codes.ts';
import type { Progress } from '../process/progress.ts';
import { say } from '../process/say.ts';
import { counted } from './interruptibly.ts';
import type { Landing } from './landing.ts';
import type { Tree } from './tree.ts';

/** More files than this come in one archive. */
const FEW = 32;
const AT_ONCE = 4;
/** So often a file is begun anew that is changed while it is read. */
const ATTEMPTS = 3;

/** What comes, and what its paths are here. */
export interface Coming {
  entries: ReadonlyMap<string, FileEntry>;
  /** What the server is asked for to have all of them. */
  globs: readonly (string | undefined)[];
  here(path: string): string;
}

/**
 * Files into a directory here, each compared with its hash; those that are there already do not come. Many come in one archive; what has not come
 * when that breaks off is fetched file by file, each gone on with where it broke. What was left out, and why.
 */
export async function receive(
  tree: Tree,
  { entries, globs, here }: Coming,
  landing: Landing,
  progress: Progress,
): Promise<string[]> {
  const leftOut: string[] = [];
  const wanted = new Map<string, FileEntry>();
  for (const [path, entry] of entries) {
    if (path.includes('\ufffd')) leftOut.push(`${path}: its name is not UTF-8`);
    else if (entry.type === 'directory') landing.directory(here(path), modeOf(entry));
    else if (entry.type === 'link') landing.link(here(path), entry.target ?? '');
    else if (entry.type !== 'file') leftOut.push(`${path} is a ${entry.type}`);
    else if (entry.sha256 === undefined) leftOut.push(`${path}: it cannot be read`);
    else if (await landing.has(here(path), entry.size_bytes, entry.sha256))
      landing.keep(here(path), landedOf(entry));
    else wanted.set(path, entry);
  }
  progress.begin([...wanted.values()].reduce((sum, { size_bytes: size }) => sum + size, 0));
  if (wanted.size > FEW) await inArchives(tree, globs, wanted, here, landing, progress);
  await eachFile([...wanted.values()], async (entry, signal) => {
    const why = await oneFile(tree, entry, here(entry.path), landing, progress, signal);
    if (why !== null) leftOut.push(`${entry.path}: ${why}`);
  });
  const links = landing.finish();
  const there = new Map([...entries.keys()].map((path) => [here(path), path]));
  return [...leftOut, ...links.map((path) => `${there.get(path)} is a link that leads out`)];
}

/** Takes out of `wanted` what has come. */
async function inArchives(
  tree: Tree,
  globs: Coming['globs'],
  wanted: Map<string, FileEntry>,
  here: Coming['here'],
  landing: Landing,
  progress: Progress,
): Promise<void> {
  try {
    for (const glob of globs)
      for await (const { path, type, body } of untarred(tree.archive({ glob, format: 'tar' }))) {
        const entry = type === 'file' ? wanted.get(path) : undefined;
        if (entry === undefined) continue;
        const isGood = (sha256: string): boolean => sha256 === entry.sha256;
        const sha256 = await landing.file(here(path), landedOf(entry), counted(body, progress), isGood);
        if (isGood(sha256)) wanted.delete(path);
      }
  } catch (error) {
    if (!(error instanceof ConnectionError || error instanceof ProtocolError)) throw error;
    // What has not come is fetched file by file.
  }
}

/** Null: it is here. Else why not. */
async function oneFile(
  tree: Tree,
  entry: FileEntry,
  here: string,
  landing: Landing,
  progress: Progress,
  signal: AbortSignal,
): Promise<string | null> {
  let expected = entry;
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === ATTEMPTS;
    const isGood = (sha256: string): boolean => sha256 === expected.sha256;
    try {
      const bytes = counted(tree.file(entry.path, { signal }), progress);
      const came = await landing.file(here, landedOf(expected), bytes, (sha256) => isLast || isGood(sha256));
      if (isLast && !isGood(came)) say(`${entry.path}: ${UNPROVED}`);
      if (isLast || isGood(came)) return null;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === 'file_not_found') return 'it is gone';
      if (code !== 'changed' && code !== 'length_mismatch') throw error;
      if (isLast) return 'it is changed while it is read';
    }
    for await (const now of tree.files({ glob: exactly(entry.path), hash: true })) expected = now;
  }
}

/** Of what a run writes on: the server sends it as it was at one moment, or breaks off. */
export const UNPROVED = 'it is changed all the time: what came is whole, and was not compared with a hash';

/** One that fails ends the others. */
async function eachFile(
  entries: FileEntry[],
  act: (entry: FileEntry, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const work = async (): Promise<void> => {
    for (let next = entries.shift(); next !== undefined; next = entries.shift()) {
      failed.signal.throwIfAborted();
      await act(next, failed.signal).catch((error) => failed.abort(error));
    }
  };
  await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  failed.signal.throwIfAborted();
}

const modeOf = ({ mode }: FileEntry): number => Number.parseInt(mode, 8);
const landedOf = (entry: FileEntry) => ({ mode: modeOf(entry), modifiedAt: new Date(entry.modified_at) });

/** So many are told by name. */
const MOST_TOLD = 20;

/** What was left out is told, and is the exit code of a command that went well otherwise. */
export function tellLeftOut(leftOut: readonly string[]): void {
  if (leftOut.length === 0) return;
  for (const line of leftOut.slice(0, MOST_TOLD)) say(`left out: ${line}`);
  if (leftOut.length > MOST_TOLD) say(`left out: ${leftOut.length - MOST_TOLD} more`);
  process.exitCode ||= EXIT.undone;
}
