import { expect, test } from 'vitest';
import { BadMultipart, multipart } from '../../../routes/requests/multipart.ts';
import { pieces } from '../../helpers/pieces.ts';

const TYPE = 'multipart/form-data; boundary=B-1';

async function read(body: string, type = TYPE, length = 7) {
  const parts: { name: string; filename: string | undefined; text: string }[] = [];
  for await (const { name, filename, content } of multipart(pieces(Buffer.from(body), length), type)) {
    let text = '';
    for await (const bytes of content) text += bytes.toString('latin1');
    parts.push({ name, filename, text });
  }
  return parts;
}

const part = (disposition: string, text: string): string =>
  `--B-1\r\nContent-Disposition: form-data; ${disposition}\r\nX-Other: 1\r\n\r\n${text}\r\n`;

test('the parts are what they are, wherever the body is cut', async () => {
  // Beginnings of a boundary that are none.
  const text = 'a\r\n--B\r\n\r\n--B-\r\r\n--B-2\r\n-\r\n';
  const body = `${part('name="f"; filename="dir/a"', text)}${part('name=g', '')}${part('name="h"', text)}--B-1--\r\n`;
  for (let length = 1; length <= body.length; length++)
    expect(await read(body, TYPE, length)).toEqual([
      { name: 'f', filename: 'dir/a', text },
      { name: 'g', filename: undefined, text: '' },
      { name: 'h', filename: undefined, text },
    ]);
});

test('what nobody reads of a part is passed over', async () => {
  const body = `${part('name="a"', 'x'.repeat(1000))}${part('name="b"', 'y'.repeat(1000))}--B-1--`;
  const names: string[] = [];
  for await (const { name, content } of multipart(pieces(Buffer.from(body), 100), TYPE)) {
    names.push(name);
    for await (const _ of content) if (name === 'a') break;
  }
  expect(names).toEqual(['a', 'b']);
});

test('a body may have something before its parts and behind them, which is read to the end', async () => {
  const body = Buffer.from(`before\r\n${part('name=a', '1')}--B-1-- \r\n${'behind'.repeat(100)}`);
  let taken = 0;
  async function* counted() {
    for await (const piece of pieces(body, 10)) {
      taken += piece.length;
      yield piece;
    }
  }
  const names: string[] = [];
  for await (const { name } of multipart(counted(), TYPE)) names.push(name);
  expect([names, taken]).toEqual([['a'], body.length]);
  expect(await read('--B-1--')).toEqual([]);
});

test.each([
  ['name="a"; filename="a b;c\\"d\\\\e\\f"', 'a', 'a b;c"d\\e\\f'],
  ['NAME=a; FileName=plain', 'a', 'plain'],
  ['name="ü"; filename="☃"', 'ü', '☃'],
  [`name="a"; filename="other"; filename*=UTF-8''%e2%98%83%20x`, 'a', '☃ x'],
  ['name="a"; filename=""', 'a', ''],
  ['name=""', '', undefined],
])('%s names a part', async (disposition, name, filename) => {
  expect(await read(`${part(disposition, '')}--B-1--`)).toEqual([{ name, filename, text: '' }]);
});

test.each([
  ['multipart/form-data; charset=x; boundary="B-1"'],
  ['multipart/form-data;BOUNDARY=B-1; charset=x'],
])('the boundary of %s is found', async (type) => {
  expect(await read(`${part('name=a', '1')}--B-1--`, type)).toHaveLength(1);
});

const whole = `${part('name=a', 'text')}--B-1--`;
test.each([
  ['multipart/form-data', whole, 'has no boundary'],
  [`multipart/form-data; boundary=${'x'.repeat(71)}`, whole, 'has no boundary'],
  ['multipart/form-data; boundary=other', whole, 'before its last boundary'],
  [TYPE, '', 'before its last boundary'],
  [TYPE, 'Content-Disposition: form-data; name=a\r\n\r\n1', 'before its last boundary'],
  [TYPE, '--B-1x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B-1--', 'has something behind it'],
  [TYPE, '--B-1\r\nContent-Type: text/plain\r\n\r\n1\r\n--B-1--', 'Content-Disposition'],
  [TYPE, '--B-1\r\n\r\n1\r\n--B-1--', 'Content-Disposition'],
  [TYPE, `${part('filename=a', '1')}--B-1--`, 'Content-Disposition'],
  [TYPE, `${part("name=a; filename*=UTF-8''%ff", '1')}--B-1--`, 'is no filename*'],
  [TYPE, `--B-1\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`, 'longer than'],
  [TYPE, `--B-1\r\nX: ${'x'.repeat(17_000)}`, 'longer than'],
])('%s, %j is refused', async (type, body, words) => {
  const reading = read(body, type);
  await expect(reading).rejects.toThrow(words);
  await expect(reading).rejects.toBeInstanceOf(BadMultipart);
});

test('a body that breaks off is refused wherever it does', async () => {
  for (let length = 0; length < whole.length; length++)
    await expect(read(whole.slice(0, length)), `${length}`).rejects.toBeInstanceOf(BadMultipart);
});
