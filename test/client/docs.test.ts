import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';

const root = resolve(import.meta.dirname, '../..');
const client = join(root, 'client/runwire.ts');
const run = promisify(execFile);
const page = readFileSync(join(root, 'docs/clients/typescript.md'), 'utf8');
/** Title of the section, program, and what it prints. */
const examples = page
  .split(/^## /m)
  .flatMap((section) =>
    [...section.matchAll(/```ts\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)].map(
      ([, program = '', printed = '']) => [section.split('\n')[0] ?? '', program, printed] as const,
    ),
  );

describe('docs/clients/typescript.md', () => {
  const server = clientServer();
  const place = mkdtempSync(join(tmpdir(), 'runwire-client-docs-'));
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  test('shows of every example what it prints', () => {
    expect(examples.length).toBeGreaterThan(3);
    expect(examples).toHaveLength([...page.matchAll(/^```ts$/gm)].length);
  });

  test.each(examples)('%s: prints what the page says', async (_title, program, printed) => {
    const file = join(place, `${Math.random()}.mts`);
    writeFileSync(file, program.replaceAll("'runwire/client'", JSON.stringify(client)));
    const env = { PATH: process.env.PATH, RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN };
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: place, env });
    expect(stdout + stderr).toBe(printed);
  });

  test('has examples that are rightly typed', async () => {
    for (const [at, [, program]] of examples.entries())
      writeFileSync(join(place, `example-${at}.mts`), program);
    const compilerOptions = {
      noEmit: true,
      rootDir: '/',
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    };
    const paths = { 'runwire/client': [client] };
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { ...compilerOptions, paths },
      include: ['example-*'],
    };
    writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(config));
    const checked = run(join(root, 'node_modules/.bin/tsc'), ['-p', place]);
    expect(
      await checked.then(
        ({ stdout }) => stdout,
        ({ stdout }) => stdout,
      ),
    ).toBe('');
  });
});
