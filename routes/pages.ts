import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type ByteSource, serveBytes } from './answers/bytes.ts';
import type { Routes } from './answers/edge.ts';
import { llmsText } from './answers/llms.ts';
import { served } from './answers/markdown.ts';
import { content, problems, Raw } from './answers/schemas.ts';

/** Of the repository, or of what was built of it. */
const ROOT = new URL('../', import.meta.url);
/** They are served beside the pages of docs/. */
const ABOVE = ['README.md', 'SECURITY.md'];
const MARKDOWN_TYPE = 'text/markdown; charset=utf-8';

const indexSchema = {
  operationId: 'getLlmsText',
  tags: ['server'],
  summary: 'An index of the documentation for language models (llmstxt.org); needs no token',
  description: 'The pages that it names are Markdown: /docs/api.md, /docs/runners/docker.md, …',
  response: {
    200: content('Markdown', { 'text/markdown': Raw }),
    206: content('A range', { 'text/markdown': Raw }),
    304: z.undefined().describe('The client has it'),
    ...problems,
  },
};

/** The pages of docs/ as they are written, each at its own address, and an index of them. */
export const pagesRoutes: Routes = (app, { exchanges }) => {
  const sources = sourcesOf();
  const addresses = new Map([
    ...sources.map((source) => [source, source.startsWith('docs/') ? source : `docs/${source}`] as const),
    ['openapi.yaml', 'openapi.yaml'] as const,
  ]);
  const read = (source: string): Promise<string> => readFile(new URL(source, ROOT), 'utf8');
  const index = async (): Promise<string> => {
    const texts = await Promise.all(sources.map(async (source) => [source, await read(source)] as const));
    return llmsText(new Map(texts), addresses);
  };
  const offer = (url: string, schema: object, make: () => Promise<string>): void => {
    let made: Promise<ByteSource> | null = null;
    app.get(url, { schema, config: { access: 'open' } }, async (request, reply) => {
      made ??= make().then(bytesOf);
      made.catch(() => (made = null)); // it may be readable the next time
      await serveBytes(exchanges, request, reply, await made);
    });
  };
  offer('/llms.txt', indexSchema, index);
  for (const source of sources)
    offer(`/${addresses.get(source)}`, { hide: true }, async () =>
      served(await read(source), source, addresses),
    );
};

function sourcesOf(): string[] {
  const docs = new URL('docs/', ROOT);
  const below = existsSync(docs) ? readdirSync(docs, { recursive: true, encoding: 'utf8' }) : [];
  const pages = below.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  return [...ABOVE.filter((name) => existsSync(new URL(name, ROOT))), ...pages.sort()];
}

function bytesOf(text: string): ByteSource {
  const bytes = Buffer.from(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    ...{ size: bytes.length, sha256, etag: `"${sha256}"`, mediaType: MARKDOWN_TYPE },
    async *read(start, end) {
      yield bytes.subarray(start, end);
    },
  };
}
