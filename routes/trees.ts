import { hash } from 'node:crypto';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lookup } from 'mime-types';
import { z } from 'zod';
import { RunwireError } from '../src/documents/errors.ts';
import { fieldRefusal } from '../src/documents/field-errors.ts';
import { FileEntry } from '../src/documents/file-entry.ts';
import { BadGlob, matching } from '../src/files/matching.ts';
import { BadName, partsOf } from '../src/files/names.ts';
import { ARCHIVE_TYPES, type ArchiveFormat, archiveOf } from '../src/files/pack.ts';
import { type Entry, find, NoDirectory, type ScanOf, scan } from '../src/files/scan.ts';
import { nothing, serveBytes } from './answers/bytes.ts';
import type { Edge } from './answers/edge.ts';
import { describeEntry } from './answers/file-entry.ts';
import { identityTag, liveBytes } from './answers/live-bytes.ts';
import { content, json, problems, Raw } from './answers/schemas.ts';
import { BYTES_TYPE, negotiate } from './requests/negotiation.ts';
import { clientHasIt } from './requests/preconditions.ts';
import { decimal, Flag } from './requests/query.ts';

/** A tree that is read: of a directory as it is now, or of a snapshot. */
export interface ReadTree {
  /** Everything in it, in order. `after`: begin behind this path. */
  entries(after: string | null): AsyncGenerator<Entry>;
  /** `close` when it was opened. Null: there is none. */
  find(parts: readonly string[]): Found | null | Promise<Found | null>;
  /** Of one that never changes: the same has the same. */
  digest?: string;
}
interface Found {
  entry: Entry;
  close(): void;
}

export const liveTree = (place: ScanOf): ReadTree => ({
  entries: (after) => scan(place, after),
  find: (parts) => find(place, parts),
});

const Glob = z.string().min(1).max(1000).optional().describe('Which: `src/**/*.ts`');

export const FilesQuery = z.strictObject({
  glob: Glob,
  hash: Flag.describe('true: with the sha256 of each file'),
  limit: decimal(z.number().int().min(1).max(10_000)).default(1000),
  cursor: z.string().min(1).optional().describe('next_cursor of the page before'),
});
export type FilesQuery = z.infer<typeof FilesQuery>;

const FORMATS = Object.keys(ARCHIVE_TYPES) as [ArchiveFormat, ...ArchiveFormat[]];
export const ArchiveQuery = z.strictObject({
  glob: Glob,
  format: z.enum(FORMATS).optional().describe('Default: by Accept, else tar'),
});
export type ArchiveQuery = z.infer<typeof ArchiveQuery>;

/** What the three ways to read a tree answer with. */
export const listAnswers = {
  200: json(
    'A page, in order of paths',
    z.strictObject({ items: z.array(FileEntry), next_cursor: z.string().nullable() }),
  ),
  ...problems,
};
export const fileAnswers = {
  200: content('All bytes', { [BYTES_TYPE]: Raw }),
  206: content('A range', { [BYTES_TYPE]: Raw }),
  304: z.undefined().describe('The client has these bytes'),
  ...problems,
};
export const archiveAnswers = {
  200: content('The archive', Object.fromEntries(Object.values(ARCHIVE_TYPES).map((type) => [type, Raw]))),
  304: z.undefined().describe('The client has this archive, of a tree that never changes'),
  ...problems,
};

/** A page of what is in it. */
export async function listTree(tree: ReadTree, { glob, hash, limit, cursor }: FilesQuery) {
  const items: FileEntry[] = [];
  let last = '';
  for await (const entry of entriesOf(tree, glob, cursor)) {
    if (items.length === limit) return { items, next_cursor: Buffer.from(last).toString('base64url') };
    items.push(await describeEntry(entry, hash === 'true'));
    last = entry.path;
  }
  return { items, next_cursor: null };
}

async function* entriesOf(tree: ReadTree, glob?: string, cursor?: string): AsyncGenerator<Entry> {
  try {
    const after =
      cursor === undefined ? null : partsOf(Buffer.from(cursor, 'base64url').toString()).join('/');
    const all = tree.entries(after);
    yield* glob === undefined ? all : matching(all, glob, after);
  } catch (error) {
    throw told(error);
  }
}

function noFile(path: string, type: string): RunwireError {
  const hint = type === 'directory' ? ': the archive gives what is in it, by ?glob=' : '';
  return new RunwireError('file_not_found', `${JSON.stringify(path)} is no file but a ${type}${hint}.`);
}

/** The bytes of a file in it, as artifacts are served. */
export async function serveTreeFile(
  { exchanges }: Edge,
  tree: ReadTree,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const missing = new RunwireError('file_not_found', `There is no file ${JSON.stringify(path)} here.`);
  let parts: string[];
  try {
    parts = partsOf(path);
  } catch {
    throw missing; // no name of a file leads there
  }
  const found = await foundAt(tree, parts);
  if (found === null) throw missing;
  const { entry, close } = found;
  let fd: number | null;
  try {
    fd = entry.type === 'file' ? entry.open() : null;
  } finally {
    close();
  }
  if (fd === null) throw entry.type === 'file' ? missing : noFile(path, entry.type);
  const file = liveBytes(fd);
  const { sha256 } = entry;
  try {
    const name = parts.at(-1) ?? '';
    await serveBytes(exchanges, request, reply, {
      size: file.size,
      etag: sha256 === undefined ? identityTag(file) : `"${sha256}"`,
      ...(sha256 !== undefined && { sha256 }),
      mediaType: lookup(name) || BYTES_TYPE,
      headers: {
        'content-disposition': contentDisposition(name),
        'content-security-policy': "default-src 'none'; sandbox",
      },
      read: (start, end) => file.read(start, end),
    });
  } finally {
    file.close();
  }
}

async function foundAt(tree: ReadTree, parts: readonly string[]): Promise<Found | null> {
  try {
    return await tree.find(parts);
  } catch (error) {
    throw told(error);
  }
}

/** All of it, or what the glob matches, as an archive of this name that is made as it is read. */
export async function serveTreeArchive(
  { exchanges }: Edge,
  tree: ReadTree,
  name: string,
  request: FastifyRequest<{ Querystring: ArchiveQuery }>,
  reply: FastifyReply,
): Promise<void> {
  const { format = formatOf(request.headers.accept), glob } = request.query;
  const entries = entriesOf(tree, glob);
  // What is wrong with the request is told before the first byte.
  const first = await entries.next();
  // The same tree is not always the same bytes: archives have times, and compressors versions.
  const tag = tree.digest && `"${hash('sha256', JSON.stringify([tree.digest, format, glob]))}"`;
  const headers = { 'cache-control': 'no-cache', vary: 'accept', ...(tag && { etag: `W/${tag}` }) };
  try {
    if (tag && clientHasIt(request.headers, tag))
      return await exchanges.send(reply, { status: 304, headers, body: nothing });
    await exchanges.send(reply, {
      status: 200,
      headers: {
        'content-type': ARCHIVE_TYPES[format],
        'content-disposition': contentDisposition(`${name}.${format}`),
        ...headers,
      },
      ends: () => true,
      once: true,
      body: () => archiveOf(withFirst(first, entries), format),
    });
  } finally {
    await entries.return(undefined);
  }
}

/** All that comes, of which the first was asked for already. */
export async function* withFirst<Item>(
  first: IteratorResult<Item>,
  rest: AsyncGenerator<Item>,
): AsyncGenerator<Item> {
  if (!first.done) yield first.value;
  yield* rest;
}

function formatOf(accept: string | undefined): ArchiveFormat {
  const types = Object.values(ARCHIVE_TYPES) as [string, ...string[]];
  const type = negotiate(accept, types);
  return FORMATS.find((format) => ARCHIVE_TYPES[format] === type) ?? 'tar';
}

function told(error: unknown): unknown {
  if (error instanceof NoDirectory)
    return new RunwireError('file_not_found', 'The directory is not there any more.');
  if (error instanceof BadGlob)
    return fieldRefusal('bad_request', [{ path: 'glob', message: error.message }]);
  if (error instanceof BadName)
    return fieldRefusal('bad_request', [{ path: 'cursor', message: 'is no cursor of ours' }]);
  return error;
}
