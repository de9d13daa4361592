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
import { serveBytes } from './answers/bytes.ts';
import type { Edge, OfRun, Routes } from './answers/edge.ts';
import { describeEntry } from './answers/file-entry.ts';
import { identityTag, liveBytes } from './answers/live-bytes.ts';
import { content, json, problems, Raw } from './answers/schemas.ts';
import { BYTES_TYPE, negotiate } from './requests/negotiation.ts';
import { decimal, Flag } from './requests/query.ts';

const tags = ['files'];
const Glob = z.string().min(1).max(1000).optional().describe('Which: `src/**/*.ts`');

const ListQuery = z.strictObject({
  glob: Glob,
  hash: Flag.describe('true: with the sha256 of each file'),
  limit: decimal(z.number().int().min(1).max(10_000)).default(1000),
  cursor: z.string().min(1).optional().describe('next_cursor of the page before'),
});
const listSchema = {
  operationId: 'listFiles',
  tags,
  summary: 'What is in the working directory of a run, while it runs and until it is deleted',
  description: 'Of a directory that the server made for the run. What is no file is told and never opened.',
  querystring: ListQuery,
  response: {
    200: json(
      'A page, in order of paths',
      z.strictObject({ items: z.array(FileEntry), next_cursor: z.string().nullable() }),
    ),
    ...problems,
  },
};
const fileSchema = {
  operationId: 'getFile',
  tags,
  summary: 'The bytes of a file in the working directory of a run',
  response: {
    200: content('All bytes', { [BYTES_TYPE]: Raw }),
    206: content('A range', { [BYTES_TYPE]: Raw }),
    304: z.undefined().describe('The client has these bytes'),
    ...problems,
  },
};
const FORMATS = Object.keys(ARCHIVE_TYPES) as [ArchiveFormat, ...ArchiveFormat[]];
const ArchiveQuery = z.strictObject({
  glob: Glob,
  format: z.enum(FORMATS).optional().describe('Default: by Accept, else tar'),
});
const archiveSchema = {
  operationId: 'getArchive',
  tags,
  summary: 'The working directory of a run as a tar, a tar in gzip or a zip, made as it is read',
  querystring: ArchiveQuery,
  response: {
    200: content('The archive', Object.fromEntries(Object.values(ARCHIVE_TYPES).map((type) => [type, Raw]))),
    ...problems,
  },
};

type OfFile = { Params: { id: string; '*': string } };

/** What a run has in its directory, by path. */
export const filesRoutes: Routes = (app, edge) => {
  const { engine } = edge;
  app.get<OfRun & { Querystring: z.infer<typeof ListQuery> }>(
    '/invocations/:id/files',
    { schema: listSchema, config: { access: 'token' } },
    async (request) => {
      const { id } = request.params;
      return engine.reading(id, () => list(engine.workFiles(id), request.query));
    },
  );
  app.get<OfFile>(
    '/invocations/:id/files/*',
    { schema: fileSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id } = request.params;
      await engine.reading(id, () => serveFile(edge, engine.workFiles(id), request, reply));
    },
  );
  app.get<OfRun & { Querystring: z.infer<typeof ArchiveQuery> }>(
    '/invocations/:id/archive',
    { schema: archiveSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id } = request.params;
      const { format = formatOf(request.headers.accept), glob } = request.query;
      await engine.reading(id, () => serveArchive(edge, engine.workFiles(id), { id, format, glob }, reply));
    },
  );
};

async function list(place: ScanOf, { glob, hash, limit, cursor }: z.infer<typeof ListQuery>) {
  const items: FileEntry[] = [];
  let last = '';
  for await (const entry of entriesOf(place, glob, cursor)) {
    if (items.length === limit) return { items, next_cursor: Buffer.from(last).toString('base64url') };
    items.push(await describeEntry(entry, hash === 'true'));
    last = entry.path;
  }
  return { items, next_cursor: null };
}

async function* entriesOf(place: ScanOf, glob?: string, cursor?: string): AsyncGenerator<Entry> {
  try {
    const after =
      cursor === undefined ? null : partsOf(Buffer.from(cursor, 'base64url').toString()).join('/');
    const all = scan(place, after);
    yield* glob === undefined ? all : matching(all, glob);
  } catch (error) {
    throw told(error);
  }
}

async function serveFile(
  edge: Edge,
  place: ScanOf,
  request: FastifyRequest<OfFile>,
  reply: FastifyReply,
): Promise<void> {
  const path = request.params['*'];
  const missing = new RunwireError('file_not_found', `There is no file ${JSON.stringify(path)} here.`);
  let parts: string[];
  try {
    parts = partsOf(path);
  } catch {
    throw missing; // no name of a file leads there
  }
  const found = foundAt(place, parts);
  if (found === null) throw missing;
  const { entry, close } = found;
  const fd = entry.type === 'file' ? entry.open() : null;
  close();
  if (fd === null)
    throw entry.type === 'file'
      ? missing
      : new RunwireError('file_not_found', `${JSON.stringify(path)} is no file but a ${entry.type}.`);
  const file = liveBytes(fd);
  try {
    const name = parts.at(-1) ?? '';
    await serveBytes(edge.exchanges, request, reply, {
      size: file.size,
      etag: identityTag(file),
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

function foundAt(place: ScanOf, parts: readonly string[]) {
  try {
    return find(place, parts);
  } catch (error) {
    throw told(error);
  }
}

async function serveArchive(
  { exchanges }: Edge,
  place: ScanOf,
  { id, format, glob }: { id: string; format: ArchiveFormat; glob: string | undefined },
  reply: FastifyReply,
): Promise<void> {
  const entries = entriesOf(place, glob);
  // What is wrong with the request is told before the first byte.
  const first = await entries.next();
  await exchanges.send(reply, {
    status: 200,
    headers: {
      'content-type': ARCHIVE_TYPES[format],
      'content-disposition': contentDisposition(`${id}.${format}`),
      'cache-control': 'no-cache',
    },
    ends: () => true,
    once: true,
    body: () => archiveOf(withFirst(first, entries), format),
  });
  await entries.return(undefined);
}

async function* withFirst(first: IteratorResult<Entry>, rest: AsyncGenerator<Entry>): AsyncGenerator<Entry> {
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
