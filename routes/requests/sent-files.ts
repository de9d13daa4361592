import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';
import { fieldRefusal } from '../../src/documents/field-errors.ts';
import { BadName, partsOf } from '../../src/files/names.ts';
import { type StagedFiles, type Staging, TreeClosed } from '../../src/files/staging.ts';
import { BadArchive, unpack } from '../../src/files/unpack.ts';
import { codeOf, messageOf } from '../../src/platform/error-words.ts';
import { bodyBytes } from './body-bytes.ts';
import { jsonReader } from './json-body.ts';
import { BadMultipart, multipart, type Part } from './multipart.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Files may come beside the document, which is the part of this name then. */
    documentPart?: string;
  }
  interface FastifyRequest {
    /** Files that came with the request; null: none did. Whoever answers it moves or discards them. */
    staged: StagedFiles | null;
  }
}

const MULTIPART = 'multipart/form-data';
const ARCHIVE = 'archive';
const FILE_MODE = 0o644;

/** The part that has the JSON document. */
interface DocumentPart {
  name: string;
  maxBytes: number;
  /** Could the same request come again, and be known: only then are its files hashed. */
  mayComeAgain(request: FastifyRequest, document: unknown): boolean;
}

/**
 * In this scope a body may also be multipart/form-data (RFC 7578): the part of the name is the JSON that else were the
 * body, a part named `archive` is unpacked, and every other part is a file whose filename is its path. Files go to the disk
 * as they come.
 */
export function acceptFiles(app: FastifyInstance, staging: Staging, document: DocumentPart): void {
  // Read below, as it comes.
  app.addContentTypeParser(MULTIPART, (_request, _payload, done) => done(null));
  const read = jsonReader(app, `The part ${document.name}`);
  app.decorateRequest('staged', null);
  app.addHook('preValidation', async (request) => {
    if (!isMultipart(request)) return;
    request.staged = staging.begin();
    request.body = await takeParts(request, request.staged, document, read);
  });
  // However it is answered: what was not moved by then goes.
  app.addHook('onResponse', async (request) => request.staged?.discard());
  app.addHook('onRequestAbort', async (request) => request.staged?.discard());
}

async function takeParts(
  request: FastifyRequest,
  staged: StagedFiles,
  { name, maxBytes, mayComeAgain }: DocumentPart,
  read: ReturnType<typeof jsonReader>,
): Promise<unknown> {
  let document: unknown;
  const body = bodyBytes(request.raw);
  try {
    for await (const part of multipart(body, request.headers['content-type'] ?? ''))
      if (part.name === name) document = await read(request, await wholeOf(part, maxBytes));
      else {
        staged.filling.hashes = document === undefined || mayComeAgain(request, document);
        await takeFile(part, staged);
      }
  } catch (error) {
    // Many clients read the answer only when all they have to say was taken.
    body.return(undefined).finally(() => request.raw.resume());
    throw told(error);
  }
  if (document === undefined) throw faulty(name, `is missing: a part named ${name} has the JSON of it`);
  return document;
}

async function wholeOf({ content, name }: Part, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of content) {
    length += chunk.length;
    if (length > maxBytes)
      throw new RunwireError('body_too_large', `The part ${name} is longer than ${maxBytes} bytes.`);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

async function takeFile({ name, filename, content }: Part, { filling, aside }: StagedFiles): Promise<void> {
  if (name === ARCHIVE) return unpack(content, filling, { aside });
  if (filename === undefined)
    throw faulty(name, 'is no file: a part that is one has a filename, which is its path');
  await filling.file({ parts: partsOf(filename), mode: FILE_MODE }, content);
}

function isMultipart({ headers }: FastifyRequest): boolean {
  return /^multipart\/form-data\s*(?:;|$)/i.test(headers['content-type'] ?? '');
}

/** What went wrong with the files, as a client is told of it. */
export function told(error: unknown, path = ''): unknown {
  if (error instanceof BadName) return faulty(path || error.path, error.message);
  if (error instanceof BadArchive) return faulty(path || ARCHIVE, error.message);
  if (error instanceof RunwireError) return error;
  if (error instanceof TreeClosed)
    return new RunwireError('bad_request', 'The client left in the middle.', { cause: error });
  // One that broke off hears no answer.
  if (error instanceof BadMultipart || codeOf(error) === 'ECONNRESET')
    return new RunwireError('bad_request', `The body is not multipart/form-data: ${messageOf(error)}.`, {
      cause: error,
    });
  return error;
}

function faulty(path: string, message: string): RunwireError {
  return fieldRefusal('invalid_field', [{ path, message }]);
}
