import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { constants, createDeflate } from 'node:zlib';
import { kept } from '../files/blocks.ts';
import { base85Lines } from './base85.ts';
import { type Blob, blocksOf, type Contents, sizeOf } from './contents.ts';
import { quoted } from './git-names.ts';
import { gitMode, type Part } from './parts.ts';
import { compareTexts, isLarge } from './text.ts';
import { NO_BLOB, type TextDiff } from './text-diff.ts';

/** One part as git writes it. */
export async function* patchOfPart(contents: Contents, part: Part): AsyncGenerator<Buffer> {
  if (part.sameContent) return yield textPatch(part, null);
  const diff = isLarge(part) ? null : await compareTexts(contents, part, true);
  if (diff !== null) yield textPatch(part, diff);
  else yield* binaryPatch(contents, part);
}

/** `diff` null: only the mode is another one. */
export function textPatch(part: Part, diff: TextDiff | null): Buffer {
  if (diff === null) return Buffer.from(headOf(part));
  const { path, old, new: now } = part;
  // A name with spaces ends where the tab is.
  const end = path.includes(' ') ? '\t\n' : '\n';
  const names = [
    `--- ${old === null ? '/dev/null\n' : quoted(`a/${path}`) + end}`,
    `+++ ${now === null ? '/dev/null\n' : quoted(`b/${path}`) + end}`,
  ];
  const head = headOf(part, diff.ids) + (diff.hunks.length === 0 ? '' : names.join(''));
  return Buffer.concat([Buffer.from(head), diff.hunks]);
}

async function* binaryPatch(contents: Contents, part: Part): AsyncGenerator<Buffer> {
  const { old, new: now } = part;
  const ids = { old: await blobIdOf(contents, old), new: await blobIdOf(contents, now) };
  yield Buffer.from(`${headOf(part, ids)}GIT binary patch\n`);
  yield* literal(contents, now);
  yield* literal(contents, old);
}

async function blobIdOf(contents: Contents, blob: Blob | null): Promise<string> {
  if (blob === null) return NO_BLOB;
  const hash = createHash('sha1').update(`blob ${sizeOf(blob)}\0`);
  for await (const block of blocksOf(contents, blob)) hash.update(block);
  return hash.digest('hex');
}

async function* literal(contents: Contents, blob: Blob | null): AsyncGenerator<Buffer> {
  yield Buffer.from(`literal ${sizeOf(blob)}\n`);
  const deflate = createDeflate({ level: constants.Z_BEST_SPEED }); // as git does
  const fed = pipeline(kept(blocksOf(contents, blob)), deflate);
  fed.catch(() => undefined); // who reads below is told
  try {
    yield* base85Lines(deflate as AsyncIterable<Buffer>);
  } finally {
    deflate.destroy();
  }
  yield Buffer.from('\n');
}

function headOf({ path, old, new: now }: Part, ids?: { old: string; new: string }): string {
  const lines = [`diff --git ${quoted(`a/${path}`)} ${quoted(`b/${path}`)}`];
  const [oldMode, newMode] = [old && gitMode(old), now && gitMode(now)];
  if (oldMode === null) lines.push(`new file mode ${newMode}`);
  else if (newMode === null) lines.push(`deleted file mode ${oldMode}`);
  else if (oldMode !== newMode) lines.push(`old mode ${oldMode}`, `new mode ${newMode}`);
  if (ids !== undefined)
    lines.push(`index ${ids.old}..${ids.new}${oldMode === newMode ? ` ${newMode}` : ''}`);
  return lines.map((line) => `${line}\n`).join('');
}
