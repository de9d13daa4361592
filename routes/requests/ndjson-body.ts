import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';
import { parseJson } from '../../src/platform/json-parse.ts';
import { harmless } from './harmful-names.ts';
import { digitsKept, judgedText } from './json-body.ts';
import { NDJSON_TYPE } from './negotiation.ts';

const TYPES = [NDJSON_TYPE, 'application/ndjson', 'application/jsonl'];

/** In this scope a body may also be NDJSON: its lines become an array. Empty lines are left out. */
export function acceptNdjson(app: FastifyInstance): void {
  app.addContentTypeParser(TYPES, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    const text = await judgedText(request, body, 'The body');
    const lines = text.split('\n');
    const values = lines.flatMap((line, index) => (line.trim() === '' ? [] : [parse(line, index + 1)]));
    return digitsKept(values, `[${lines.filter((line) => line.trim() !== '').join(',')}]`, request);
  });
}

function parse(line: string, number: number): unknown {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch {
    throw new RunwireError('malformed_json', `Line ${number} is not JSON.`);
  }
  return harmless(value, line);
}
