import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RunwireError } from '../src/documents/errors.ts';
import { fieldRefusal } from '../src/documents/field-errors.ts';
import { type EditedTree, putFile, remove } from '../src/files/edit.ts';
import { BadName, partsOf } from '../src/files/names.ts';
import { NoDirectory } from '../src/files/scan.ts';
import { BadArchive } from '../src/files/unpack.ts';
import { InTheWay } from '../src/files/way.ts';
import { nothing } from './answers/bytes.ts';
import type { Edge } from './answers/edge.ts';
import { identityTag } from './answers/live-bytes.ts';
import { problems } from './answers/schemas.ts';
import { bodyBytes, drain } from './requests/body-bytes.ts';
import { mayChange } from './requests/preconditions.ts';
import { Flag } from './requests/query.ts';

export const PutQuery = z.strictObject({
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, { error: 'must be permission bits in octal: 0644' })
    .optional()
    .describe('Default: that of the file which it replaces, else 0644'),
});
export const DeleteQuery = z.strictObject({
  recursive: Flag.describe('true: a directory goes with all that is in it'),
});
export const PUT_WORDS =
  'The body is the file, of any media type but a form, and of any length. Who reads it sees the old or the new. A link is replaced and ' +
  'never followed; directories on the way are made. Headers: If-Match, If-None-Match.';
export const putAnswers = {
  201: z.undefined().describe('It is made; ETag is the one that GET gives'),
  204: z.undefined().describe('It is replaced'),
  ...problems,
};
export const deleteAnswers = { 204: z.undefined().describe('Deleted'), ...problems };
/** Lets a tree be changed, from outside, until `change` settles. */
export type Changing = <T>(change: (tree: EditedTree) => Promise<T>) => Promise<T>;
/** Called as the change goes on, and before it takes effect: what it throws refuses the change. */
export type Heard = () => void;

/** For a scope of its own: here a body is a stream, and the limit of JSON bodies does not hold. */
export function streamBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}

/** The body of the request becomes the file at a path. */
export async function putIntoTree(
  { uploadCaps: caps, sync }: Pick<Edge, 'uploadCaps' | 'sync'>,
  changing: Changing,
  path: string,
  request: FastifyRequest<{ Querystring: z.infer<typeof PutQuery>; Body: Readable | undefined }>,
  heard: Heard = () => {},
): Promise<{ made: boolean; etag: string }> {
  const { headers, query } = request;
  const { made, stats } = await takingBody(request, (body) =>
    changing(async (tree) => {
      if (path.endsWith('/')) throw new BadName(path, 'ends with a slash: it is no name of a file');
      return putFile(tree, partsOf(path), pieces(body, heard), {
        mode: query.mode === undefined ? undefined : Number.parseInt(query.mode, 8),
        judge: (current) => {
          heard();
          mayChange(headers, current && { etag: tagOf(current) });
        },
        length: Number(headers['content-length'] ?? 0),
        ...{ caps, sync },
      });
    }),
  );
  return { made, etag: identityTag({ stats }) };
}

async function* pieces(body: Readable | undefined, heard: Heard): AsyncGenerator<Buffer> {
  for await (const piece of body ? bodyBytes(body) : nothing()) {
    heard();
    yield piece;
  }
}

/** What is at a path goes. Throws file_not_found. */
export async function deleteFromTree(
  { sync }: Pick<Edge, 'sync'>,
  changing: Changing,
  path: string,
  { headers, query }: FastifyRequest<{ Querystring: z.infer<typeof DeleteQuery> }>,
  heard: Heard = () => {},
): Promise<void> {
  const judge = (current: Stats): void => {
    heard();
    mayChange(headers, current && { etag: tagOf(current) });
  };
  const parts = partsOrNull(path);
  const removed = await changing(async (tree) =>
    parts === null
      ? false
      : told(remove(tree, parts, { recursive: query.recursive === 'true', judge, sync })),
  );
  if (!removed && headers['if-match'] !== undefined) mayChange(headers, null);
  if (!removed) throw new RunwireError('file_not_found', `There is nothing at ${JSON.stringify(path)} here.`);
}

/** Of a file below `of`. */
export const locationOf = (of: string, path: string): string =>
  `${of}/files/${path.split('/').map(encodeURIComponent).join('/')}`;

type Stats = Parameters<Parameters<typeof remove>[2]['judge']>[0];

/** That of what is no file is none. */
const tagOf = (stats: NonNullable<Stats>): string | null => (stats.isFile() ? identityTag({ stats }) : null);

export async function takingBody<T>(
  { body }: FastifyRequest<{ Body: Readable | undefined }>,
  take: (body: Readable | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await told(take(body));
  } catch (error) {
    // Many clients read the answer only when all they have to say was taken.
    if (body) drain(body);
    throw error;
  }
}

/** What went wrong with a change, as a client is told of it. */
async function told<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof BadName)
      throw fieldRefusal('invalid_field', [{ path: error.path, message: error.message }]);
    if (error instanceof InTheWay)
      throw fieldRefusal('file_conflict', [{ path: error.path, message: error.message }]);
    if (error instanceof BadArchive)
      throw fieldRefusal('invalid_field', [{ path: '', message: error.message }]);
    if (error instanceof NoDirectory)
      throw new RunwireError('file_conflict', 'The directory is not there any more.', { cause: error });
    throw error;
  }
}

function partsOrNull(path: string): string[] | null {
  try {
    return partsOf(path);
  } catch {
    return null; // nothing has such a name
  }
}
