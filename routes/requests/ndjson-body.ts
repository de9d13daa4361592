import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';
import { NDJSON_TYPE } from './negotiation.ts';

const TYPES = [NDJSON_TYPE, 'application/ndjson', 'application/jsonl'];

/** In this scope a body may also be NDJSON: its lines become an array. Empty lines are left out. */
export function acceptNdjson(app: FastifyInstance): void {
  app.addContentTypeParser(TYPES, { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => {
    if (!isUtf8(body)) throw new RunwireError('malformed_json', 'The body is not UTF-8.');
    return body
      .toString('utf8')
      .split('\n')
      .flatMap((line, index) => (line.trim() === '' ? [] : [parse(line, index + 1)]));
  });
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new RunwireError('malformed_json', `Line ${number} is not JSON.`);
  }
}
