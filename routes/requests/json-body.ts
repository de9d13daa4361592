import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';
import { messageOf } from '../../src/platform/error-words.ts';

/** Makes JSON in UTF-8 the only kind of body. Keys that could poison prototypes are refused. */
export function onlyJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined);
    if (!isUtf8(body)) return done(new RunwireError('malformed_json', 'The body is not UTF-8.'));
    // A parser with a callback: it gives nothing back.
    void parse(request, body.toString('utf8'), (error, value) =>
      error === null
        ? done(null, value)
        : done(new RunwireError('malformed_json', wordsOf(body.toString('utf8')))),
    );
  });
}

/** What is wrong with a text that was refused, without the excerpt of it that V8 adds. */
function wordsOf(text: string): string {
  try {
    JSON.parse(text);
    return 'The keys __proto__ and constructor.prototype are not taken.';
  } catch (error) {
    const words = messageOf(error);
    return words.replace(/, ".*/s, '').replace(/\.?$/, '.');
  }
}
