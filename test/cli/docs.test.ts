import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { EXIT, MEANINGS } from '../../cli/process/exit-codes.ts';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { BIN } from '../helpers/command-line.ts';
import { compileCache } from '../helpers/compiled-once.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/cli.md'), 'utf8');

/** Many processes, one after the other. */
const WHOLE_PAGE_MS = 300_000;

describe('docs/cli.md', () => {
  const server = clientServer();
  const place = mkdtempSync(join(tmpdir(), 'runwire-cli-docs-'));
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  test('has commands that work as they stand, one after the other', { timeout: WHOLE_PAGE_MS }, async () => {
    const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, lines]) => lines);
    const script = `runwire() { ${process.execPath} ${BIN} "$@"; }\n${blocks.join('')}`;
    const env = {
      PATH: process.env.PATH,
      ...compileCache(),
      RUNWIRE_URL: server.url,
      RUNWIRE_TOKEN: TOKEN,
    };
    const { stdout } = await promisify(execFile)('bash', ['-ec', script], { cwd: place, env });
    expect(stdout).toMatch(/^hello\n2\nhello\ncurl /);
    expect(stdout).toContain('working\ndone\ndone\n');
    expect(stdout).toMatch(/\tsucceeded\nagain\n/);
    expect(stdout).toMatch(/Z working\n\S+Z done\nworking\n\S+\tsucceeded\n/);
    expect(stdout).toMatch(/2 src\/words.txt\ntwo\none\none\ntwo\nlink\n/);
    expect(readFileSync(join(place, 'old.txt'), 'utf8')).toBe('one\ntwo\n');
    expect(readFileSync(join(place, 'words.txt'), 'utf8')).toBe('one\ntwo\n');
  });

  test('has the exit codes as they are', () => {
    const shown = [...page.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, code, words]) => [
      Number(code),
      words?.replaceAll('\\|', '|'),
    ]);
    const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
    expect(shown).toEqual(names.map((name) => [EXIT[name], MEANINGS[name]]));
  });
});
