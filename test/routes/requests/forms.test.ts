import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fastify from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acceptFiles } from '../../../routes/requests/sent-files.ts';
import { RunwireError } from '../../../src/documents/errors.ts';
import { Staging } from '../../../src/files/staging.ts';

const TYPE = 'multipart/form-data; boundary=B-1';
const MAX_BYTES = 10_000;

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runwire-forms-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** What a form is taken for, that comes in pieces of so many bytes: the files by their paths, or why it is refused. */
async function read(body: string, type = TYPE, length = 7) {
  await using app = fastify();
  acceptFiles(app, new Staging(place, { bytes: 1e6, files: 100 }), {
    name: 'document',
    maxBytes: MAX_BYTES,
    mayComeAgain: () => false,
  });
  app.post('/', async ({ body: document, staged }) => {
    const files: Record<string, string> = {};
    staged?.moveTo(join(place, 'files'));
    for (const { path } of staged?.filling.files ?? [])
      files[path] = readFileSync(join(place, 'files', path), 'utf8');
    return { document, files };
  });
  app.setErrorHandler((error, _request, reply) =>
    reply.code(400).send({ code: error instanceof RunwireError ? error.code : null, text: String(error) }),
  );
  const bytes = Buffer.from(body);
  const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
  const headers = { 'content-type': type };
  const answer = await app.inject({ method: 'POST', url: '/', headers, payload: Readable.from(pieces) });
  rmSync(join(place, 'files'), { recursive: true, force: true });
  return answer.json();
}

const part = (disposition: string, text: string): string =>
  `--B-1\r\nContent-Disposition: form-data; ${disposition}\r\nX-Other: 1\r\n\r\n${text}\r\n`;
const DOCUMENT = part('name="document"', '{"a":1}');
const END = '--B-1--\r\n';

test('the parts are what they are, wherever the body is cut', async () => {
  // Beginnings of a boundary that are none.
  const text = 'a\r\n--B\r\n\r\n--B-\r\r\n--B-2\r\n-\r\n';
  const body = `${part('name="f"; filename="dir/a"', text)}${DOCUMENT}${part('name="h"; filename=b', '')}${END}`;
  for (let length = 1; length <= body.length; length += length < 80 ? 1 : 17)
    expect(await read(body, TYPE, length), `${length}`).toEqual({
      document: { a: 1 },
      files: { 'dir/a': text, b: '' },
    });
});

test('a body may have something before its parts and behind them', async () => {
  expect(await read(`before\r\n${DOCUMENT}${END}${'behind'.repeat(100)}`)).toEqual({
    document: { a: 1 },
    files: {},
  });
});

test.each([
  ['name="f"; filename="a b;c"', 'a b;c'],
  ['NAME=f; FileName=plain', 'plain'],
  ['name="ü"; filename="☃"', '☃'],
  [`name="f"; filename*=UTF-8''%e2%98%83%20x`, '☃ x'],
])('%s names a file', async (disposition, path) => {
  expect((await read(`${DOCUMENT}${part(disposition, 'x')}${END}`)).files).toEqual({ [path]: 'x' });
});

test.each([
  ['multipart/form-data; charset=x; boundary="B-1"'],
  ['multipart/form-data;BOUNDARY=B-1; charset=x'],
])('the boundary of %s is found', async (type) => {
  expect(await read(`${DOCUMENT}${END}`, type)).toEqual({ document: { a: 1 }, files: {} });
});

const whole = `${DOCUMENT}${part('name=f; filename=f', 'text')}${END}`;
test.each([
  ['multipart/form-data', whole],
  ['multipart/form-data; boundary=other', whole],
  [TYPE, 'Content-Disposition: form-data; name=a\r\n\r\n1'],
])('%s, %j is refused', async (type, body) => {
  expect(await read(body, type)).toEqual({ code: 'bad_request', text: expect.stringContaining('multipart') });
});

test('a form without its document, with two, or with one that is too long is refused', async () => {
  expect(await read(`${DOCUMENT}${DOCUMENT}${END}`)).toEqual({
    code: 'invalid_field',
    text: expect.stringContaining('document: is there more than once'),
  });
  const long = part('name="document"', `"${'x'.repeat(MAX_BYTES)}"`);
  expect((await read(`${long}${END}`, TYPE, 1000)).code).toBe('body_too_large');
  expect((await read(`${part('name=f; filename=f', '')}${END}`)).code).toBe('invalid_field');
  expect((await read(`${DOCUMENT}${part('name=f', '')}${END}`)).code).toBe('invalid_field');
});

test('a body that breaks off is refused wherever it does', async () => {
  const end = whole.length - END.length;
  for (let length = 1; length < end; length += 3)
    expect((await read(whole.slice(0, length), TYPE, 1000)).code, `${length}`).toMatch(
      /^(bad_request|malformed_json|invalid_field)$/,
    );
});

test.each([
  [
    'of another disposition',
    'Content-Disposition: attachment; name="x"; filename="x"',
    'x: is of Content-Disposition "attachment"',
  ],
  ['without a name', 'Content-Disposition: inline', 'part 2: is of Content-Disposition "inline"'],
  ['of no disposition', 'X-Other: 1', 'part 2: has no Content-Disposition'],
  ['of an empty one', 'Content-Disposition: ; name=y', 'y: is of Content-Disposition ""'],
  [
    'with a line break in its name',
    'Content-Disposition: form-data; name="z"; filename*=utf-8\'\'a%0Ab',
    'a part of the form has a line break in its name or filename',
  ],
])('a part %s is refused by its name, and not left out', async (_what, head, words) => {
  const alien = `--B-1\r\n${head}\r\n\r\ntext\r\n`;
  const file = part('name="f"; filename="a"', 'text');
  for (const body of [`${DOCUMENT}${alien}${END}`, `${DOCUMENT}${alien}${file}${END}`])
    for (const length of [1, 7, 10_000]) {
      const { code, text } = await read(body, TYPE, length);
      expect(code).toBe('invalid_field');
      expect(text).toContain(words);
    }
});

test('what only looks like a part in a file is none, and a name may be quoted, folded or of another case', async () => {
  const text = 'x --B-1\r\nContent-Disposition: inline\r\n\r\n\r\n--B\r\nX: y\r\n\r\n';
  const file = `--B-1\r\ncontent-disposition:\r\n FORM-DATA; name="f;x";\r\n\tfilename="a"\r\n\r\n${text}\r\n`;
  for (const length of [1, 5, 10_000])
    expect(await read(`${DOCUMENT}${file}${END}--B-1\r\nX: after the end\r\n\r\n`, TYPE, length)).toEqual({
      document: { a: 1 },
      files: { a: text },
    });
});
