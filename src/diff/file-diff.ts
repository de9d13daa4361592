import type { FileDiff } from '../documents/snapshot.ts';
import type { Change } from './changes.ts';
import { type Contents, sizeOf } from './contents.ts';
import { isRefused, type Part, partsOf } from './parts.ts';
import { textPatch } from './patch.ts';
import { sideOf } from './side.ts';
import { beginsAsBinary, compareTexts, isLarge } from './text.ts';
import type { TextDiff } from './text-diff.ts';

/** Bytes that are read to compare it by lines. Null: it is not compared, it is too large. */
export function costOf(change: Change): number | null {
  const parts = partsOf(change).filter(({ sameContent }) => !sameContent);
  if (parts.some(isLarge)) return null;
  return parts.reduce((sum, part) => sum + sizeOf(part.old) + sizeOf(part.new), 0);
}

export interface LineCount {
  added: number;
  removed: number;
}

/** Lines that came and went; null: it is binary. Not for what is too large. */
export async function countLines(contents: Contents, change: Change): Promise<LineCount | null> {
  const compared = await comparedParts(contents, partsOf(change), false);
  return compared && linesIn(compared);
}

/** One path as the document tells it. `count`: with its lines. */
export async function fileDiff(
  contents: Contents,
  change: Change,
  options: { count: boolean; patch: boolean },
): Promise<FileDiff> {
  const parts = partsOf(change);
  const isRead = costOf(change) !== null && (options.count || options.patch);
  const compared = isRead ? await comparedParts(contents, parts, options.patch) : undefined;
  const lines = options.count && compared ? linesIn(compared) : null;
  const told: FileDiff = {
    path: change.path,
    change: change.kind,
    type: (change.new ?? change.old)?.type ?? 'file',
    old: change.old && sideOf(change.old),
    new: change.new && sideOf(change.new),
    binary: compared === null || (await beginsBinary(contents, change, compared)),
    lines_added: lines?.added ?? null,
    lines_removed: lines?.removed ?? null,
  };
  if (!options.patch) return told;
  const why = whyNoPatch(change, parts);
  if (why !== null) return { ...told, patch_omitted: why };
  if (!compared) return { ...told, patch_omitted: 'it is binary' };
  const patch = compared.map(({ part, diff }) => textPatch(part, diff));
  return { ...told, patch: Buffer.concat(patch).toString() };
}

/** A part, and how its two texts differ; null: only the mode is another one. */
interface Compared {
  part: Part;
  diff: TextDiff | null;
}

/** Null: one of them is binary. */
async function comparedParts(contents: Contents, parts: Part[], hunks: boolean): Promise<Compared[] | null> {
  const compared: Compared[] = [];
  for (const part of parts) {
    const diff = part.sameContent ? null : await compareTexts(contents, part, hunks);
    if (diff === null && !part.sameContent) return null;
    compared.push({ part, diff });
  }
  return compared;
}

function linesIn(compared: Compared[]): LineCount {
  const count = { added: 0, removed: 0 };
  for (const { diff } of compared) {
    count.added += diff?.added ?? 0;
    count.removed += diff?.removed ?? 0;
  }
  return count;
}

/** Of what was not read as a whole, by how it begins. */
async function beginsBinary(
  contents: Contents,
  { old, new: now }: Change,
  compared: Compared[] | undefined,
): Promise<boolean> {
  if (compared?.some(({ diff }) => diff !== null)) return false;
  for (const side of [old, now])
    if (side !== null && side.type !== 'directory' && (await beginsAsBinary(contents, side))) return true;
  return false;
}

function whyNoPatch(change: Change, parts: Part[]): string | null {
  if (parts.length === 0)
    return (change.new ?? change.old)?.type === 'directory'
      ? 'git knows no directories'
      : 'of modes git knows only whether the owner may execute it';
  if (isRefused(change)) return 'git takes no patch of a path like this';
  return parts.some(isLarge) ? 'it is over 1 MiB' : null;
}
