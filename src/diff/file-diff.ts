import type { FileDiff } from '../documents/snapshot.ts';
import type { Change } from './changes.ts';
import { type Blob, type Contents, sizeOf } from './contents.ts';
import { isRefusedByGit } from './git-names.ts';
import { type Part, partsOf } from './parts.ts';
import { textPatch } from './patch.ts';
import { sideOf } from './side.ts';
import { beginsAsBinary, isLarge, type Texts, textsOf } from './text.ts';
import type { Turns } from './turns.ts';

/** Bytes that are read to compare it by lines. Null: it is not compared, it is too large. */
export function costOf(change: Change): number | null {
  const parts = partsOf(change).filter(({ sameContent }) => !sameContent);
  if (parts.some(isLarge)) return null;
  return parts.reduce((sum, part) => sum + sizeOf(part.old) + sizeOf(part.new), 0);
}

/** Lines that came and went; null: it is binary. Not for what is too large. */
export async function countLines(
  contents: Contents,
  change: Change,
  turns: Turns,
): Promise<LineCount | null> {
  const texts = await comparedParts(contents, partsOf(change), turns);
  return texts && linesIn(texts);
}

export interface LineCount {
  added: number;
  removed: number;
}

/** One path as the document tells it. `count`: with its lines. */
export async function fileDiff(
  contents: Contents,
  change: Change,
  options: { count: boolean; patch: boolean },
  turns: Turns,
): Promise<FileDiff> {
  const parts = partsOf(change);
  const isRead = costOf(change) !== null && (options.count || options.patch);
  const compared = isRead ? await comparedParts(contents, parts, turns) : undefined;
  const lines = options.count && compared ? linesIn(compared) : null;
  const isBinary = compared === null || (await anyBinary(contents, change, compared));
  const told: FileDiff = {
    path: change.path,
    change: change.kind,
    type: (change.new ?? change.old)?.type ?? 'file',
    old: change.old && sideOf(change.old),
    new: change.new && sideOf(change.new),
    binary: isBinary,
    lines_added: lines?.added ?? null,
    lines_removed: lines?.removed ?? null,
  };
  if (!options.patch) return told;
  const why = whyNoPatch(change, parts);
  if (why !== null) return { ...told, patch_omitted: why };
  if (!compared) return { ...told, patch_omitted: 'it is binary' };
  return { ...told, patch: await patchText(compared, turns) };
}

/** A part, and its two texts where its content differs. */
interface Compared {
  part: Part;
  texts: Texts | null;
}

/** Null: one of them is binary. */
async function comparedParts(contents: Contents, parts: Part[], turns: Turns): Promise<Compared[] | null> {
  const compared: Compared[] = [];
  for (const part of parts) {
    const texts = part.sameContent ? null : await textsOf(contents, part, turns);
    if (texts === null && !part.sameContent) return null;
    compared.push({ part, texts });
  }
  return compared;
}

function linesIn(compared: Compared[]): LineCount {
  const count = { added: 0, removed: 0 };
  for (const { texts } of compared) {
    count.added += texts?.added ?? 0;
    count.removed += texts?.removed ?? 0;
  }
  return count;
}

/** Of what was not read as a whole, by how it begins. */
async function anyBinary(
  contents: Contents,
  { old, new: now }: Change,
  compared?: Compared[],
): Promise<boolean> {
  if (compared?.some(({ texts }) => texts !== null)) return false;
  const blobs = [old, now].filter((side): side is Blob => side !== null && side.type !== 'directory');
  for (const blob of blobs) if (await beginsAsBinary(contents, blob)) return true;
  return false;
}

function whyNoPatch({ path, old, new: now }: Change, parts: Part[]): string | null {
  const types = [old?.type, now?.type];
  if (parts.length === 0)
    return types.includes('directory')
      ? 'git knows no directories'
      : 'of modes git knows only whether the owner may execute it';
  if (isRefusedByGit(path, types.includes('link'))) return 'git takes no patch of a path like this';
  return parts.some(isLarge) ? 'it is over 1 MiB' : null;
}

async function patchText(compared: Compared[], turns: Turns): Promise<string> {
  const pieces: Buffer[] = [];
  for (const { part, texts } of compared)
    for await (const piece of textPatch(part, texts, turns)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
