import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { RunwireError } from '../../src/errors.ts';

/** Makes JSON in UTF-8 the only kind of body. Keys that could poison prototypes are refused. */
export function onlyJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const coding = request.headers['content-encoding'];
    if (coding !== undefined && coding !== 'identity')
      return done(new RunwireError('unsupported_media_type', 'Send the body without Content-Encoding.'));
    if (body.length === 0) return done(null, undefined);
    if (!isUtf8(body)) return done(new RunwireError('malformed_json', 'The body is not UTF-8.'));
    // A parser with a callback: it gives nothing back.
    void parse(request, body.toString('utf8'), (error, value) =>
      error === null ? done(null, value) : done(new RunwireError('malformed_json', wordsOf(error))),
    );
  });
}

/** What the parser says is wrong, without the excerpt of the body that V8 adds. */
function wordsOf(error: Error): string {
  const words = error.cause instanceof Error ? error.cause.message : error.message;
  return words.replace(/, ".*/s, '').replace(/\.?$/, '.');
}
