import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { stubApp } from '../helpers/stub-app.ts';

const root = resolve(import.meta.dirname, '../..');
const pages = globSync('docs/**/*.md', { cwd: root });
const linksOf = (text: string): string[] =>
  [...text.replaceAll(/^```[\s\S]*?^```|`[^`\n]+`/gm, '').matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target = '']) => target.replace(/#.*/, ''))
    .filter((target) => target !== '' && !/^https?:/.test(target));

test('each page is there as it is written, and every link of it leads to something', async () => {
  await using stub = stubApp();
  expect(pages.length).toBeGreaterThan(25);
  const targets = new Set<string>();
  for (const page of [...pages, 'docs/README.md', 'docs/SECURITY.md']) {
    const { statusCode, headers, body } = await stub.app.inject(`/${page}`);
    expect([page, statusCode, headers['content-type']]).toEqual([page, 200, 'text/markdown; charset=utf-8']);
    if (pages.includes(page))
      expect(body.split('\n')[0]).toBe(readFileSync(resolve(root, page), 'utf8').split('\n')[0]);
    for (const link of linksOf(body)) targets.add(new URL(link, `http://localhost/${page}`).pathname);
  }
  expect(targets.size).toBeGreaterThan(25);
  for (const target of targets)
    expect([target, (await stub.app.inject(target)).statusCode]).toEqual([target, 200]);
});

test('/llms.txt has the form of llmstxt.org and names every page once', async () => {
  await using stub = stubApp();
  const { headers, body } = await stub.app.inject('/llms.txt');
  expect(headers['content-type']).toBe('text/markdown; charset=utf-8');
  expect(body).toMatch(
    /^# Runwire\n\n> .+\n\n[^#]+\n\n## Documentation\n\n(- .+\n)+\n## Optional\n\n(- .+\n)+$/,
  );
  const links = linksOf(body);
  expect(new Set(links).size).toBe(links.length);
  expect(links).toEqual(expect.arrayContaining([...pages, 'docs/README.md', 'openapi.yaml']));
  for (const link of links) expect((await stub.app.inject(`/${link}`)).statusCode).toBe(200);
  for (const line of body.match(/^- .+$/gm) ?? []) expect(line).toMatch(/^- \[[^\]]+\]\([^)]+\)(: .+)?$/);
});

test('who has a page is not sent it again', async () => {
  await using stub = stubApp();
  for (const url of ['/llms.txt', '/docs/api.md']) {
    const first = await stub.app.inject(url);
    expect(first.headers).toMatchObject({
      'cache-control': 'no-cache',
      etag: expect.stringMatching(/^"\w{64}"$/),
    });
    const headers = { 'if-none-match': String(first.headers.etag) };
    const again = await stub.app.inject({ url, headers });
    expect([again.statusCode, again.body]).toEqual([304, '']);
    const head = await stub.app.inject({ method: 'HEAD', url });
    expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([
      200,
      '',
      first.headers['content-length'],
    ]);
  }
});

test('what is no page is not found, and a page takes nothing', async () => {
  await using stub = stubApp();
  for (const url of ['/docs/nope.md', '/docs/api.md/', '/docs/..%2fpackage.json', '/docs/runners/nope.md'])
    expect((await stub.app.inject(url)).statusCode).toBe(404);
  const posted = await stub.app.inject({ method: 'POST', url: '/docs/api.md' });
  expect([posted.statusCode, posted.headers.allow]).toEqual([405, 'GET, HEAD']);
});
