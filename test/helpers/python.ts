import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** The client for Python. */
export const PYTHON_CLIENT = resolve(import.meta.dirname, '../../clients/python');

const run = promisify(execFile);
/** What a slow machine needs for a download. */
const LONG = 300_000;

/**
 * A Python that has what the tests of the client need, in a directory that later runs of the tests find again. Throws what
 * pip says where that cannot be brought.
 */
export async function pythonRoom(): Promise<string> {
  const requirements = join(PYTHON_CLIENT, 'tests/requirements.txt');
  const { stdout: version } = await run('python3', ['-VV']);
  const hash = createHash('sha256').update(version).update(readFileSync(requirements)).digest('hex');
  const place = join(tmpdir(), `runwire-python-${hash.slice(0, 16)}`);
  const python = join(place, 'bin/python');
  if (existsSync(place)) return python;
  const beside = await mkdtemp(`${place}-`);
  try {
    await run('python3', ['-m', 'venv', beside], { timeout: LONG });
    const words = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--retries',
      '1',
      '--timeout',
      '30',
    ];
    await run(join(beside, 'bin/python'), [...words, '-r', requirements], { timeout: LONG });
    await rename(beside, place).catch((error) => {
      if (!existsSync(python)) throw error; // another run of the tests has made it meanwhile
    });
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return python;
}
