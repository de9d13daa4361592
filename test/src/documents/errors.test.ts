import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS } from '../../../src/documents/errors.ts';

test('docs/errors.md lists every code with its status and title, and no other', () => {
  const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| ([^|]+) \|/gm)].map(
    ([, code, status, title]) => [code, { status: Number(status), title: title?.trim() }] as const,
  );
  expect(Object.fromEntries(listed)).toEqual(ERRORS);
});
