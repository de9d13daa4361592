import multipart, { type MultipartFile } from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';
import { fieldRefusal } from '../../src/documents/field-errors.ts';
import { BadName, decodedPartsOf } from '../../src/files/names.ts';
import { type StagedFiles, type Staging, TreeClosed } from '../../src/files/staging.ts';
import { BadArchive, unpack } from '../../src/files/unpack.ts';
import { codeOf, messageOf } from '../../src/platform/error-words.ts';
import { readJson } from './json-body.ts';
import { PartHeads } from './part-heads.ts';

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

const ARCHIVE = 'archive';
const FILE_MODE = 0o644;
/** What the parser says of bodies that are none, or break off. */
const MALFORMED = /malformed|unexpected end|terminated early|boundary not found|premature close|aborted/i;

/** Of those without a filename the parser does not say so. */
type Part = Omit<MultipartFile, 'filename'> & { filename?: string | undefined };

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
  app.register(multipart, {
    preservePath: true,
    // Read here, so that no digit of the document is lost.
    isPartAFile: () => true,
    limits: {
      fileSize: Number.POSITIVE_INFINITY,
      files: Number.POSITIVE_INFINITY,
      parts: Number.POSITIVE_INFINITY,
    },
    throwFileSizeLimit: false,
  });
  app.decorateRequest('staged', null);
  app.addHook('preValidation', async (request) => {
    if (!request.isMultipart()) return;
    request.staged = staging.begin();
    request.body = await takeParts(request, request.staged, document);
  });
  // However it is answered: what was not moved by then goes.
  app.addHook('onResponse', async (request) => request.staged?.discard());
  app.addHook('onRequestAbort', async (request) => request.staged?.discard());
}

async function takeParts(
  request: FastifyRequest,
  staged: StagedFiles,
  { name, maxBytes, mayComeAgain }: DocumentPart,
): Promise<unknown> {
  let document: unknown;
  try {
    for await (const part of partsOf(request))
      if (part.fieldname === name) {
        // By the first it was judged whether the files are hashed.
        if (document !== undefined) throw faulty(name, 'is there more than once');
        document = await readJson(request, await bytesOf(part, maxBytes), `The part ${name}`);
      } else {
        if (isNoFile(part)) throw document === undefined ? noDocument(name, part) : noFile(part);
        staged.filling.hashes = document === undefined || mayComeAgain(request, document);
        await takeFile(part, staged);
      }
  } catch (error) {
    // What is left of the body is read and thrown away: the next request of the connection comes behind it.
    request.raw.unpipe();
    request.raw.resume();
    throw told(error);
  }
  if (document === undefined) throw faulty(name, `is missing: a part named ${name} has the JSON of it`);
  return document;
}

/** Throws for a part that the parser passed over. */
async function* partsOf(request: FastifyRequest): AsyncGenerator<MultipartFile> {
  const heads = new PartHeads(request.headers['content-type'] ?? '');
  const take = (chunk: Buffer): void => heads.take(chunk);
  const parts = request.files();
  // The parser hears of the body from here on, and nothing came before.
  let next = parts.next();
  request.raw.on('data', take);
  try {
    for (let given = 1; ; given++) {
      const { done, value } = await next;
      if (heads.alien !== null) throw faulty(heads.alien.name, heads.alien.message);
      if (done === true) {
        if (given <= heads.count)
          throw faulty('', 'a part of the form has a line break in its name or filename');
        return;
      }
      yield value;
      next = parts.next();
    }
  } finally {
    request.raw.off('data', take);
  }
}

async function bytesOf({ file, fieldname }: MultipartFile, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of file as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes)
      throw new RunwireError('body_too_large', `The part ${fieldname} is longer than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function isNoFile({ fieldname, filename }: Part): boolean {
  return fieldname !== ARCHIVE && filename === undefined;
}

function noFile({ fieldname }: Part): RunwireError {
  return faulty(fieldname, 'is no file: a part that is one has a filename, which is its path');
}

/** It may have another name, or come later: the form is refused before that is known. */
function noDocument(name: string, { fieldname }: Part): RunwireError {
  return faulty(
    name,
    `is not there yet: a part named ${name} has the JSON of it, and ${fieldname}, which came before, is no file either, for it has no filename`,
  );
}

async function takeFile(
  { fieldname, filename = '', file }: Part,
  { filling, aside }: StagedFiles,
): Promise<void> {
  if (fieldname === ARCHIVE) return unpack(file, filling, { aside });
  await filling.file({ parts: decodedPartsOf(filename), mode: FILE_MODE }, file as AsyncIterable<Buffer>);
}

/** What went wrong with the files, as a client is told of it. */
export function told(error: unknown, path = ''): unknown {
  if (error instanceof BadName) return faulty(path || error.path, error.message);
  if (error instanceof BadArchive) return faulty(path || ARCHIVE, error.message);
  if (error instanceof RunwireError) return error;
  // The parser looks for it in its own way, and says so.
  if (error instanceof Error && /needle/.test(error.message))
    return new RunwireError('bad_request', 'The boundary of the form is too long.', { cause: error });
  if (error instanceof TreeClosed)
    return new RunwireError('bad_request', 'The client left in the middle.', { cause: error });
  // One that broke off hears no answer.
  if (error instanceof Error && (MALFORMED.test(error.message) || codeOf(error) === 'ECONNRESET'))
    return new RunwireError('bad_request', `The body is not multipart/form-data: ${messageOf(error)}.`, {
      cause: error,
    });
  return error;
}

function faulty(path: string, message: string): RunwireError {
  return fieldRefusal('invalid_field', [{ path, message }]);
}
