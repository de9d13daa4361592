import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { LEAST_BUDGET, MOST_BUDGET, USUAL_BUDGET } from '../../mcp/output/shown-run.ts';
import { toldTools } from '../../mcp/tools/calling.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/mcp.md'), 'utf8');

test('docs/mcp.md has the tools as they are, in their order', () => {
  const shown = [...page.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, name, title]) => [name, title]);
  expect(shown).toEqual(toldTools().map(({ name, title }) => [name, title]));
});

test('docs/mcp.md has configurations that are JSON, and the budgets as they are', () => {
  const blocks = [...page.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, json]) => JSON.parse(json ?? ''));
  expect(blocks).toMatchObject([
    { mcpServers: { runwire: { command: 'npx', args: ['runwire', 'mcp'] } } },
    { mcpServers: { runwire: { url: expect.stringMatching(/\/mcp$/) } } },
  ]);
  const [usual, least, most] = [USUAL_BUDGET, LEAST_BUDGET, MOST_BUDGET].map((bytes) =>
    bytes.toLocaleString('en'),
  );
  expect(page).toContain(`\`max_bytes\` (${usual}; ${least} to ${most})`);
});
