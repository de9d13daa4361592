import { create as contentDisposition } from 'content-disposition';
import { z } from 'zod';
import { ArtifactDescriptor, fileNameOf } from '../src/documents/artifact.ts';
import { RunwireError } from '../src/documents/errors.ts';
import { type FileBytes, withFileBytes } from '../src/files/file-bytes.ts';
import { type ByteSource, serveBytes } from './answers/bytes.ts';
import type { OfRun, Routes } from './answers/edge.ts';
import type { Proofs } from './answers/proofs.ts';
import { content, json, problems, Raw } from './answers/schemas.ts';
import { BYTES_TYPE } from './requests/negotiation.ts';

const tags = ['artifacts'];
const listSchema = {
  operationId: 'listArtifacts',
  tags,
  summary: 'Descriptors of the artifacts of a run',
  response: { 200: json('Descriptors', z.strictObject({ items: z.array(ArtifactDescriptor) })), ...problems },
};
const contentSchema = {
  operationId: 'getArtifact',
  tags,
  summary: 'The bytes of an artifact',
  response: {
    200: content('All bytes', { [BYTES_TYPE]: Raw }),
    206: content('A range', { [BYTES_TYPE]: Raw }),
    304: z.undefined().describe('The client has these bytes'),
    ...problems,
  },
};

interface OfArtifact {
  Params: { id: string; artifact_id: string };
}

export const artifactsRoutes: Routes = (app, { engine, exchanges, proofs }) => {
  app.get<OfRun>(
    '/invocations/:id/artifacts',
    { schema: listSchema, config: { access: 'token' } },
    async (request) => ({
      items: engine.artifacts(request.params.id),
    }),
  );

  app.get<OfArtifact>(
    '/invocations/:id/artifacts/:artifact_id',
    { schema: contentSchema, config: { access: 'token' } },
    async (request, reply) => {
      const { id, artifact_id } = request.params;
      const { descriptor, file, isPrivate } = engine.artifactPath(id, artifact_id);
      await engine.reading(id, () =>
        withFileBytes(
          file,
          async (bytes) => serveBytes(exchanges, request, reply, await sourceOf(proofs, descriptor, bytes)),
          isPrivate,
        ),
      );
    },
  );
};

/** The bytes that the descriptor describes, or gone. A browser saves them and never runs them. */
async function sourceOf(
  proofs: Proofs,
  descriptor: ArtifactDescriptor,
  bytes: FileBytes | null,
): Promise<ByteSource> {
  const { sha256, size_bytes, media_type } = descriptor.metadata;
  if (bytes === null || sha256 === undefined)
    throw new RunwireError('gone', 'The bytes of this artifact are no longer kept.');
  const holds = () => proofs.hold(bytes.file, { size: Number(size_bytes), sha256 });
  if (!(await holds()))
    throw new RunwireError('gone', 'The file of this artifact was changed since it was kept.');
  return {
    size: bytes.size,
    etag: `"${sha256}"`,
    sha256,
    mediaType: safeMediaType(media_type),
    headers: {
      'content-disposition': contentDisposition(fileNameOf(descriptor)),
      'content-security-policy': "default-src 'none'; sandbox",
    },
    read: (start, end) => bytes.read(start, end, holds),
  };
}

/** A value that can stand in a header, whatever found the type. */
function safeMediaType(type: string | undefined): string {
  return type !== undefined && /^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=[\w.-]+)*$/.test(type) ? type : BYTES_TYPE;
}
