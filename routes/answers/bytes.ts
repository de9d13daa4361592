import type { FastifyReply, FastifyRequest } from 'fastify';
import parseRange from 'range-parser';
import { RunwireError } from '../../src/documents/errors.ts';
import { clientHasIt, rangeStillFits } from '../requests/preconditions.ts';
import type { Exchanges } from './exchanges.ts';

/** Bytes that can be read from any place. */
export interface ByteSource {
  size: number;
  /** Quoted strong ETag: the bytes never change. Null while they may still grow. */
  etag: string | null;
  /** Hash of all the bytes, hex, for Repr-Digest. */
  sha256?: string;
  mediaType: string;
  headers?: Record<string, string>;
  /** The bytes from `start` up to and without `end`. */
  read(start: number, end: number): AsyncIterable<Buffer>;
}

/**
 * Serves a byte source as RFC 9110 says: one Range (several are answered with everything),
 * If-Range, If-Match, If-None-Match, HEAD, 206, 412 and 416, Repr-Digest of RFC 9530. While the bytes may still
 * grow their total is said to be unknown (`*`).
 */
export async function serveBytes(
  exchanges: Exchanges,
  request: FastifyRequest,
  reply: FastifyReply,
  source: ByteSource,
): Promise<void> {
  const { size, etag } = source;
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    'cache-control': 'no-cache',
    'content-type': source.mediaType,
    ...source.headers,
  };
  if (etag !== null) headers.etag = etag;
  if (source.sha256 !== undefined)
    headers['repr-digest'] = `sha-256=:${Buffer.from(source.sha256, 'hex').toString('base64')}:`;
  if (clientHasIt(request.headers, etag)) {
    delete headers['content-type'];
    return exchanges.send(reply, { status: 304, headers, body: nothing });
  }
  const range = rangeOf(request, size, etag);
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`);
    throw new RunwireError('range_not_satisfiable', `There are ${size} bytes.`);
  }
  if (range === null)
    return exchanges.send(reply, {
      status: 200,
      headers,
      length: size,
      body: (_signal, written) => source.read(written, size),
    });
  const total = etag === null ? '*' : size;
  headers['content-range'] = `bytes ${range.start}-${range.end}/${total}`;
  return exchanges.send(reply, {
    status: 206,
    headers,
    length: range.end - range.start + 1,
    body: (_signal, written) => source.read(range.start + written, range.end + 1),
  });
}

/** The range to send (`end` is its last byte), null for everything. */
function rangeOf(
  request: FastifyRequest,
  size: number,
  etag: string | null,
): { start: number; end: number } | 'unsatisfiable' | null {
  if (request.headers.range === undefined || request.method !== 'GET') return null;
  // A header that may be there once; units have no case (RFC 9110, 14.1).
  if (!rangeStillFits(request.headers['if-range']?.toString(), etag)) return null;
  const range = request.headers.range.toLowerCase();
  const suffix = /^bytes=-(\d+)$/.exec(range)?.[1];
  // A suffix longer than the whole is the whole; range-parser calls it unsatisfiable.
  const parsed = parseRange(size, suffix !== undefined && Number(suffix) > size ? `bytes=-${size}` : range);
  if (parsed === -1) return 'unsatisfiable';
  if (parsed === -2 || parsed.type !== 'bytes' || parsed.length !== 1) return null;
  return parsed[0] ?? null;
}

export async function* nothing(): AsyncGenerator<Buffer> {}
