import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { status } from '../../fixtures/backend.ts';
import { app, artifact, backend, call, SECRET, summary } from '../http/scene.ts';

test('a secret that is echoed by the server is in no record, event, artifact or summary', async () => {
  const basic = Buffer.from('me:swordfish').toString('base64');
  backend.on('/bearer', status(500, { 'x-echo': `Bearer ${SECRET}` }, `you sent ${SECRET}`));
  backend.on('/basic', status(401, { 'x-echo': basic, 'x-too': 'swordfish' }, `${basic} me:swordfish`));
  for (const [path, auth] of [
    ['/bearer', { secret: 'TOKEN' }],
    ['/basic', { secret: 'LOGIN', scheme: 'basic' }],
  ] as const) {
    const id = path.slice(1);
    const record = await call({ url: `${backend.url}${path}`, auth }, { invocation_id: id });
    const told = [
      JSON.stringify(record),
      readFileSync(artifact(record, 'response').path, 'utf8'),
      ...(await app.events(id)).filter(({ type }) => type !== 'stdout').map((event) => JSON.stringify(event)),
    ].join('\n');
    for (const secret of [SECRET, basic, 'swordfish']) expect(told).not.toContain(secret);
    expect(summary(record)).toContain('[redacted]');
  }
  expect(backend.seen.map(({ headers }) => headers.authorization)).toEqual([
    `Bearer ${SECRET}`,
    `Basic ${basic}`,
  ]);
});

test('nor is it in base64 of a text that it is a part of', async () => {
  const texts = ['', 'B', 'Be', 'Bearer '].map((before) => `${before}${SECRET}; and more`);
  const headers = Object.fromEntries(
    texts.map((text, i) => [`x-${i}`, Buffer.from(text).toString('base64')]),
  );
  backend.on('/', status(200, headers));
  const record = await call({ url: backend.url, auth: { secret: 'TOKEN' } });
  const shown = JSON.parse(readFileSync(artifact(record, 'response').path, 'utf8')).headers as Record<
    string,
    string
  >;
  for (const i of texts.keys()) {
    const header = shown[`x-${i}`] ?? '';
    expect(header).toContain('[redacted]');
    // All but a letter at each end is gone.
    expect(Buffer.from(header.replace('[redacted]', ''), 'base64').toString('latin1')).not.toContain(
      SECRET.slice(2, -2),
    );
  }
});

test('nor is it in a header in which it comes back as URLs, forms and JSON have it', async () => {
  const written = ['top%20secret%2Bx', 'top+secret%2Bx', 'top%20secret%2bx', 'top secret\\u002bx'];
  backend.on('/', status(401, { 'x-echo': written.join(' | ') }));
  const record = await call({ url: backend.url, auth: { secret: 'ODD' } });
  const shown = JSON.parse(readFileSync(artifact(record, 'response').path, 'utf8')).headers;
  expect(shown['x-echo']).toBe(written.map(() => '[redacted]').join(' | '));
});

test('nor is its beginning, where no more of an answer is looked at for a summary', async () => {
  backend.on('/', status(500, {}, `x${' '.repeat(1015)}${SECRET}${' '.repeat(3000)}`));
  const record = await call({ url: backend.url, auth: { secret: 'TOKEN' } });
  expect(summary(record)).toBe('HTTP 500 Internal Server Error: x');
});
