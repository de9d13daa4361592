import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';

const SCRIPT = resolve(import.meta.dirname, '../../examples/client.ts');

describe('examples/client.ts', () => {
  const server = clientServer();
  let place: string;
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'runwire-example-'));
    mkdirSync(join(place, 'project/src'), { recursive: true });
    const build = 'echo building\necho "made of $(cat "$1")" > src/made\nexit $2\n';
    writeFileSync(join(place, 'project/build.sh'), build, { mode: 0o755 });
    writeFileSync(join(place, 'project/src/source'), 'source');
    symlinkSync('src/source', join(place, 'project/link'));
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  const start = (...words: string[]) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>((done) => {
      const env = { PATH: process.env.PATH, RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN };
      const all = [SCRIPT, 'project', 'result', '--', ...words];
      execFile(process.execPath, all, { cwd: place, env }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : error.code, stdout, stderr }),
      );
    });
  const nothingStays = async () => {
    expect(await server.rw.workspaces.list().toArray()).toEqual([]);
    const own = (await server.rw.snapshots.list().toArray()).filter(
      ({ snapshot_id }) => !snapshot_id.endsWith('.base'),
    );
    expect(own).toEqual([]);
  };

  test('builds elsewhere, shows the output, and brings what was made', async () => {
    const ended = await start('sh', 'build.sh', 'link', '0');
    expect(ended).toEqual({ code: 0, stdout: 'building\n', stderr: 'created src/made\n' });
    expect(readdirSync(join(place, 'result'), { recursive: true }).sort()).toEqual(['src', 'src/made']);
    expect(readFileSync(join(place, 'result/src/made'), 'utf8')).toBe('made of source\n');
    await nothingStays();
  });

  test('exits as the command did', async () => {
    expect(await start('sh', 'build.sh', 'link', '7')).toMatchObject({ code: 7, stdout: 'building\n' });
    await nothingStays();
  });
});
