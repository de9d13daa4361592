import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { requires } from '../../helpers/require.ts';

requires('linux')('A program that begins while others are looked for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'runwire-birth-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('is its own run’s from its birth, and no orphan of theirs', async () => {
    const scene = new URL('./birth-scene.ts', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(process.execPath, [scene, directory]);
    expect(JSON.parse(stdout)).toEqual({ taken: [], known: true, signals: ['SIGKILL'] });
  });
});
