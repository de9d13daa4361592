import { pipeline } from 'node:stream/promises';
import { createDeflate } from 'node:zlib';
import { base85Lines } from './base85.ts';
import { type Blob, blobIdOf, blocksOf, type Contents, sizeOf } from './contents.ts';
import { quoted } from './git-names.ts';
import { hunksOf } from './hunks.ts';
import { gitMode, type Part } from './parts.ts';
import { isLarge, type Texts, textsOf } from './text.ts';
import type { Turns } from './turns.ts';

/** One part as git writes it. */
export async function* patchOfPart(contents: Contents, part: Part, turns: Turns): AsyncGenerator<Buffer> {
  const texts = part.sameContent || isLarge(part) ? null : await textsOf(contents, part, turns);
  await turns.next();
  if (part.sameContent || texts !== null) yield* textPatch(part, texts, turns);
  else yield* binaryPatch(contents, part);
}

/** `texts` null: only the mode is another one. */
export async function* textPatch(part: Part, texts: Texts | null, turns: Turns): AsyncGenerator<Buffer> {
  if (texts === null) return yield Buffer.from(headOf(part));
  const { path, old, new: now } = part;
  const ids = {
    old: await blobIdOf(old, [texts.old.bytes]),
    new: await blobIdOf(now, [texts.new.bytes]),
  };
  // A name with spaces ends where the tab is.
  const end = path.includes(' ') ? '\t\n' : '\n';
  const names = [
    `--- ${old === null ? '/dev/null\n' : quoted(`a/${path}`) + end}`,
    `+++ ${now === null ? '/dev/null\n' : quoted(`b/${path}`) + end}`,
  ];
  yield Buffer.from(headOf(part, ids) + (texts.edits.length === 0 ? '' : names.join('')));
  for (const piece of hunksOf(texts.old.lines, texts.new.lines, texts.edits)) {
    yield piece;
    await turns.next();
  }
}

async function* binaryPatch(contents: Contents, part: Part): AsyncGenerator<Buffer> {
  const { old, new: now } = part;
  const ids = {
    old: await blobIdOf(old, blocksOf(contents, old)),
    new: await blobIdOf(now, blocksOf(contents, now)),
  };
  yield Buffer.from(`${headOf(part, ids)}GIT binary patch\n`);
  yield* literal(contents, now);
  yield* literal(contents, old);
}

async function* literal(contents: Contents, blob: Blob | null): AsyncGenerator<Buffer> {
  yield Buffer.from(`literal ${sizeOf(blob)}\n`);
  const deflate = createDeflate();
  const fed = pipeline(blocksOf(contents, blob), deflate);
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
