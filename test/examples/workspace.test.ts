import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requires } from '../helpers/require.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

const SCRIPT = fileURLToPath(new URL('../../examples/workspace.sh', import.meta.url));
const TOKEN = 'token-of-the-server';
const NOBODY = 65534;

const SETPRIV = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];

/** The server is another user, where this one may become one that can read what it is made of, and has another directory. */
const asOther = process.getuid?.() === 0 && canRead(SETPRIV) ? SETPRIV : [];

function canRead([program = '', ...words]: string[]): boolean {
  const script = `require('node:fs').readFileSync(${JSON.stringify(SCRIPT)})`;
  return spawnSync(program, [...words, process.execPath, '-e', script]).status === 0;
}

requires('curl', 'git')('examples/workspace.sh', () => {
  let place: string;
  let server: ServerProcess;
  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'runwire-example-'));
    const dataDir = join(place, 'elsewhere');
    mkdirSync(dataDir, { mode: 0o700 });
    if (asOther.length > 0) {
      chmodSync(place, 0o755);
      chownSync(dataDir, NOBODY, NOBODY);
    }
    server = await startServer(dataDir, { RUNWIRE_TOKEN: TOKEN, HOME: dataDir }, asOther);
    const project = join(place, 'project');
    mkdirSync(join(project, 'src'), { recursive: true });
    writeFileSync(join(project, 'src/words.txt'), 'one\ntwo\nthree\n');
    writeFileSync(join(project, 'old.txt'), 'goes\n');
    const programs = {
      'build.sh':
        'mkdir -p out\nfor word in $(cat src/words.txt); do echo "building $word"; echo "$word" >>out/all.txt; done\nrm old.txt\nsed -i s/two/2/ src/words.txt',
      'test.sh':
        'echo "testing as $(id -u)"\n[ "$(wc -l <out/all.txt)" -eq 3 ] && printf "\\0\\377" >out/report.bin && chmod +x out/report.bin',
    };
    for (const [name, lines] of Object.entries(programs))
      writeFileSync(join(project, name), `#!/bin/sh\nset -e\n${lines}\n`, { mode: 0o755 });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  });

  const start = (results: string, more: Record<string, string> = {}) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) =>
      execFile(
        SCRIPT,
        [join(place, 'project'), join(place, results)],
        {
          env: {
            PATH: process.env.PATH,
            HOME: place,
            RUNWIRE_URL: server.address,
            RUNWIRE_TOKEN: TOKEN,
            ...more,
          },
        },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
      ),
    );
  const left = async (): Promise<unknown[]> => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const lists = ['workspaces', 'snapshots'].map(async (name) => {
      const { items } = (await (await fetch(`${server.address}/${name}`, { headers })).json()) as {
        items: object[];
      };
      return items.filter((item) => !JSON.stringify(item).includes('.base"'));
    });
    return (await Promise.all(lists)).flat();
  };

  test('builds and tests a project elsewhere, and what has changed is applied here', async () => {
    const { code, stdout, stderr } = await start('results');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /\{"files":4,"bytes":\d+\}\n== build\nbuilding one\nbuilding two\nbuilding three\n== test\ntesting as \d+\n== changes\n/,
    );
    if (asOther.length > 0) expect(stdout).toContain(`testing as ${NOBODY}`);
    expect(stdout).toContain('-two\n+2\n');
    expect(stdout.endsWith('== restored\n')).toBe(true);
    const at = (path: string): string => join(place, 'results', path);
    expect(readdirSync(at('.')).sort()).toEqual(['changes.diff', 'copy', 'result.tar.gz']);
    mkdirSync(at('result'));
    execFileSync('tar', ['xzf', at('result.tar.gz'), '-C', at('result')]);
    expect(execFileSync('diff', ['-r', at('result'), at('copy')]).toString()).toBe('');
    expect(readFileSync(at('copy/out/report.bin'))).toEqual(Buffer.from([0, 0xff]));
    expect(readFileSync(at('copy/src/words.txt'), 'utf8')).toBe('one\n2\nthree\n');
    expect(readdirSync(join(place, 'project')).sort()).toEqual(['build.sh', 'old.txt', 'src', 'test.sh']);
    expect(await left()).toEqual([]);
  });

  test('exits as what failed, and leaves nothing', async () => {
    const { code, stdout, stderr } = await start('failed', { TEST: 'echo "it \\"fails\\""; exit 7' });
    expect([code, stdout]).toEqual([7, expect.stringContaining('== test\nit "fails"\n')]);
    expect(stderr).toContain('test failed: {');
    expect(await left()).toEqual([]);
  });
});
