import { z } from 'zod';
import type { Download, Runwire } from '../../client/runwire.ts';
import { fitting } from '../output/text.ts';
import { Span } from './facts.ts';
import { MaxBytes } from './input.ts';
import { type GivenPlace, Place, treeOf } from './place.ts';
import { tool } from './tool.ts';

/** What is told of a file beside its content. */
const FILE_FACTS = 600;

export const getFileTool = tool({
  name: 'get_file',
  title: 'Read a file',
  description:
    'Reads a file of a workspace, a run or a snapshot, or an artifact of a run, within max_bytes from an offset. What is no text comes in base64.',
  readOnly: true,
  idempotent: true,
  input: z.strictObject({
    ...Place,
    path: z.string().min(1).optional(),
    artifact: z.string().min(1).optional().describe('instead of path, with run: its artifact_id'),
    offset: z.int().min(0).default(0).describe('byte to begin at'),
    max_bytes: MaxBytes,
  }),
  output: z.strictObject({
    size_bytes: z.int(),
    media_type: z.string().nullable(),
    encoding: z.enum(['text', 'base64']),
    content: z.string(),
    shown: Span,
    next_offset: z.int().nullable().describe('null: it was shown to its end'),
  }),
  async act({ path, artifact, offset, max_bytes, ...place }, { rw, signal }) {
    const room = max_bytes - FILE_FACTS;
    const part = await fileOf(rw, { path, artifact, ...place }, signal).part({ from: offset, most: room });
    const size = part.size ?? part.offset + part.bytes.length;
    const isText = isWholeText(part.bytes, part.offset > 0);
    const { content, start, end } = isText
      ? asText(part.bytes, room, part.offset, size)
      : asBase64(part.bytes, room);
    const shown = { from: part.offset + start, to: part.offset + end };
    const next = shown.to < size ? shown.to : null;
    const encoding = isText ? 'text' : 'base64';
    const head = `${encoding === 'base64' ? 'base64 of ' : ''}bytes ${shown.from} to ${shown.to} of ${size}${next === null ? '' : `; go on with offset ${next}`}`;
    return {
      text: `${head}\n${content}`,
      facts: {
        size_bytes: size,
        media_type: part.mediaType?.slice(0, 200) ?? null,
        encoding,
        content,
        shown,
        next_offset: next,
      },
    };
  },
});

function fileOf(
  rw: Runwire,
  { path, artifact, ...place }: GivenPlace & { path?: string | undefined; artifact?: string | undefined },
  signal: AbortSignal,
): Download {
  if ((path === undefined) === (artifact === undefined)) throw new TypeError('name one of path and artifact');
  const tree = treeOf(rw, place);
  if (path !== undefined) return tree.file(path, { signal });
  if (place.run === undefined) throw new TypeError('artifact: runs alone have artifacts');
  return rw.attach(place.run).artifact(artifact ?? '', { signal });
}

interface Content {
  content: string;
  start: number;
  end: number;
}

function asText(bytes: Uint8Array, room: number, offset: number, size: number): Content {
  const edges = { cutBefore: offset > 0, cutAfter: offset + bytes.length < size };
  const { text, start, end } = fitting(bytes, { room, side: 'first', ...edges });
  return { content: text, start, end };
}

function asBase64(bytes: Uint8Array, room: number): Content {
  const end = Math.min(bytes.length, Math.floor(room / 4) * 3);
  return { content: Buffer.from(bytes.subarray(0, end)).toString('base64'), start: 0, end };
}

/** Is it UTF-8 without NUL, but for a character that is cut at either end. */
function isWholeText(bytes: Uint8Array, cutBefore: boolean): boolean {
  if (bytes.includes(0)) return false;
  let start = 0;
  if (cutBefore) while (start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start), { stream: true });
    return true;
  } catch {
    return false;
  }
}
