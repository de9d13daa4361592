import type { Readable } from 'node:stream';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AssetContent, ReadAsset } from '../src/assets/assets.ts';
import { Asset, AssetSource, tellableMediaType } from '../src/documents/asset.ts';
import { RunwireError } from '../src/documents/errors.ts';
import { fieldErrors, fieldRefusal } from '../src/documents/field-errors.ts';
import { ARCHIVE_TYPES } from '../src/files/pack.ts';
import { nothing, serveBytes } from './answers/bytes.ts';
import type { Edge, OfAsset, Routes } from './answers/edge.ts';
import { liveBytes } from './answers/live-bytes.ts';
import { content, json, problems, Raw } from './answers/schemas.ts';
import { bodyBytes } from './requests/body-bytes.ts';
import { readJson } from './requests/json-body.ts';
import { BYTES_TYPE, JSON_TYPE } from './requests/negotiation.ts';
import { clientHasIt, mayChange } from './requests/preconditions.ts';
import { decimal, Flag, PageQuery, pageOf } from './requests/query.ts';
import { nameRefusal } from './requests/versioned-name.ts';
import { streamBodies, takingBody } from './tree-changes.ts';
import { ArchiveQuery, fileAnswers, serveTreeArchive, serveTreeFile } from './trees.ts';

const PutQuery = z.strictObject({
  extract: Flag.describe('true: the bytes are a tar, a tar in gzip or a zip, and become a directory'),
});
const ContentQuery = ArchiveQuery.extend({
  path: z.string().min(1).optional().describe('Of a directory: one file in it'),
  run: z.string().min(1).max(1024).optional().describe('Of a signed address: whom it was made for'),
  expires: decimal(z.number().int().min(1).max(1e11))
    .optional()
    .describe('The same: until when it is good, seconds'),
  signature: z.string().min(1).max(256).optional().describe('The same: instead of a token'),
});
type ContentQuery = z.infer<typeof ContentQuery>;

const archives = Object.fromEntries(Object.values(ARCHIVE_TYPES).map((type) => [type, Raw]));
const tags = ['assets'];
const page = json('A page', z.strictObject({ items: z.array(Asset), next_cursor: z.string().nullable() }));
const putSchema = {
  operationId: 'putAsset',
  tags,
  summary: 'Store bytes or a directory under a name, as a new version',
  description:
    'The body is the bytes, of any media type but a form and application/json: that is {url, sha256, …}, and the server fetches them. A ' +
    'version never changes. With what the newest version is already nothing is made. The ETag is the digest: If-Match and ' +
    'If-None-Match hold.',
  querystring: PutQuery,
  response: {
    200: json('The newest version is this already', Asset),
    201: json('A version is made', Asset),
    ...problems,
  },
};
const listSchema = {
  operationId: 'listAssets',
  tags,
  summary: 'The newest version of each, newest first',
  querystring: PageQuery,
  response: { 200: page, ...problems },
};
const getSchema = {
  operationId: 'getAsset',
  tags,
  summary: 'The newest version, or with name@version that one',
  response: { 200: json('The version', Asset), ...problems },
};
const versionsSchema = {
  operationId: 'listAssetVersions',
  tags,
  summary: 'All versions of an asset, newest first',
  querystring: PageQuery,
  response: { 200: page, ...problems },
};
const contentSchema = {
  operationId: 'getAssetContent',
  tags,
  summary: 'What is kept: the bytes of a file; a directory as an archive, or one file of it',
  description:
    'With the token of the server, or at an address that was signed for a run: that gives this version and nothing else, until it ' +
    'expires or the run is finished.',
  querystring: ContentQuery,
  response: {
    ...fileAnswers,
    200: content('All bytes', { [BYTES_TYPE]: Raw, ...archives }),
  },
};
const deleteSchema = {
  operationId: 'deleteAsset',
  tags,
  summary: 'Delete an asset with all its versions, or with name@version that one',
  response: { 204: z.undefined().describe('Deleted'), ...problems },
};

const JSON_IS_SOURCE = {
  path: '',
  message:
    'application/json says what the server is to fetch ({url, sha256, …}): a JSON file itself is sent with another Content-Type',
};

/** What curl --data-binary says where nobody said a type: of the bytes it says nothing, and with -T they are the same version. */
const UNSAID = 'application/x-www-form-urlencoded';

const tagOf = (digest: string): string => `"${digest}"`;

/** Bytes and directories that are kept, by name. */
export const assetsRoutes: Routes = (root, edge) => {
  const { assets } = edge;
  root.get<{ Querystring: PageQuery }>(
    '/assets',
    { schema: listSchema, config: { access: 'token' } },
    async ({ query }) => assets.list(pageOf(query)),
  );

  root.get<OfAsset>(
    '/assets/:name',
    { schema: getSchema, config: { access: 'token' } },
    async ({ params, headers }, reply) => {
      const asset = assets.get(params.name);
      reply.header('etag', tagOf(asset.digest));
      return clientHasIt(headers, tagOf(asset.digest)) ? reply.code(304).send() : asset;
    },
  );

  root.get<OfAsset & { Querystring: PageQuery }>(
    '/assets/:name/versions',
    { schema: versionsSchema, config: { access: 'token' } },
    async ({ params, query }) => assets.versions(params.name, pageOf(query)),
  );

  root.get<OfAsset & { Querystring: ContentQuery }>(
    '/assets/:name/content',
    { schema: contentSchema, config: { access: 'token-or-address' } },
    async (request, reply) => {
      const { name } = request.params;
      const { run, expires, signature } = request.query;
      const isSigned = [run, expires, signature].some((part) => part !== undefined);
      if (isSigned || !request.isTrusted)
        assets.prove(name, { run: run ?? '', expires: expires ?? 0, signature: signature ?? '' });
      await assets.reading(name, (asset) =>
        asset.asset.type === 'file'
          ? serveFile(edge, asset, request, reply)
          : serveDirectory(edge, asset, request, reply),
      );
    },
  );

  root.delete<OfAsset>(
    '/assets/:name',
    { schema: deleteSchema, config: { access: 'token' } },
    async ({ params, headers }, reply) => {
      await assets.remove(params.name, (digest) => mayChange(headers, { etag: tagOf(digest) }));
      return reply.code(204).send();
    },
  );
  root.register(async (app) => putRoute(app, edge));
};

/** In a scope of its own: here a body is a stream, and the limit of JSON bodies does not hold. */
function putRoute(app: FastifyInstance, { assets, exchanges, maxBodyBytes, maxAssetBytes }: Edge): void {
  streamBodies(app);

  app.put<OfAsset & { Querystring: z.infer<typeof PutQuery>; Body: Readable | undefined }>(
    '/assets/:name',
    {
      schema: putSchema,
      config: {
        access: 'token',
        takesFile: true,
        fileBytes: maxAssetBytes,
        bytesOf: [BYTES_TYPE],
        orJson: AssetSource,
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const refusal = nameRefusal(name);
      const { asset, isNew } = await takingBody(request, async (body) => {
        if (refusal !== null) throw refusal;
        return assets.put(name, await contentOf(request, body, { maxBodyBytes, maxAssetBytes }), {
          mayPut: (digest) => mayChange(request.headers, digest === null ? null : { etag: tagOf(digest) }),
          signal: exchanges.watch(reply.raw),
        });
      });
      reply.header('etag', tagOf(asset.digest)).header('location', asset.links.self);
      return reply.code(isNew ? 201 : 200).send(asset);
    },
  );
}

async function contentOf(
  request: FastifyRequest<{ Querystring: z.infer<typeof PutQuery> }>,
  body: Readable | undefined,
  { maxBodyBytes, maxAssetBytes }: Pick<Edge, 'maxBodyBytes' | 'maxAssetBytes'>,
): Promise<AssetContent> {
  const { 'content-type': type, 'content-length': length } = request.headers;
  const asked = request.query.extract;
  const extract = asked === 'true';
  const essence = type?.split(';', 1)[0]?.trim().toLowerCase();
  if (essence !== JSON_TYPE) {
    if (Number(length) > maxAssetBytes)
      throw new RunwireError('body_too_large', `More than ${maxAssetBytes} bytes (RUNWIRE_MAX_ASSET_BYTES).`);
    return {
      from: 'body',
      bytes: body ? bodyBytes(body) : nothing(),
      extract,
      mediaType: tellableMediaType(essence === UNSAID ? undefined : type),
    };
  }
  const document = await readJson(request, await allOf(body, maxBodyBytes));
  const parsed = AssetSource.safeParse(document);
  if (!parsed.success) {
    const isSource =
      typeof document === 'object' && document !== null && ('url' in document || 'sha256' in document);
    throw fieldRefusal('invalid_field', [
      ...(isSource ? [] : [JSON_IS_SOURCE]),
      ...fieldErrors(parsed.error),
    ]);
  }
  const { data: source } = parsed;
  if (asked !== undefined && source.extract !== undefined && source.extract !== extract)
    throw fieldRefusal('invalid_field', [
      { path: 'extract', message: `is ${source.extract} here and ${asked} in the query` },
    ]);
  return { from: 'url', source: extract ? { ...source, extract } : source };
}

async function allOf(body: Readable | undefined, most: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of body ? bodyBytes(body) : nothing()) {
    length += piece.length;
    if (length > most)
      throw new RunwireError(
        'body_too_large',
        `More than ${most} bytes of JSON (RUNWIRE_MAX_BODY_BYTES): a JSON file is sent with another Content-Type.`,
      );
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

/** A browser saves it and never runs it, whatever it was said to be. */
async function serveFile(
  { exchanges }: Edge,
  asset: ReadAsset,
  request: FastifyRequest<{ Querystring: ContentQuery }>,
  reply: FastifyReply,
): Promise<void> {
  const { name, digest, media_type: mediaType } = asset.asset;
  refuseAsked(request.query, ['path', 'glob', 'format'], 'is for directories, and this asset is a file');
  const file = liveBytes(asset.open());
  try {
    await serveBytes(exchanges, request, reply, {
      ...{ size: file.size, etag: tagOf(digest), sha256: digest, mediaType },
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

async function serveDirectory(
  edge: Edge,
  asset: ReadAsset,
  request: FastifyRequest<{ Querystring: ContentQuery }>,
  reply: FastifyReply,
): Promise<void> {
  const { name, version, digest } = asset.asset;
  const tree = {
    digest,
    entries: asset.entries,
    find: async (parts: readonly string[]) => {
      const entry = await asset.find(parts);
      return entry && { entry, close: () => {} };
    },
  };
  const { path } = request.query;
  if (path !== undefined) {
    refuseAsked(request.query, ['glob', 'format'], 'is for an archive, and path names one file');
    return serveTreeFile(edge, tree, path, request, reply);
  }
  return serveTreeArchive(edge, tree, `${name}@${version}`, request, reply);
}

/** What would be passed over in silence. */
function refuseAsked(
  query: ContentQuery,
  fields: readonly ('path' | 'glob' | 'format')[],
  message: string,
): void {
  const errors = fields.filter((field) => query[field] !== undefined).map((path) => ({ path, message }));
  if (errors.length > 0) throw fieldRefusal('bad_request', errors);
}
