import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { compileCache } from './compiled-once.ts';
import { PYTHON_CLIENT, pythonRoom } from './python.ts';
import { isDemanded, requires } from './require.ts';

/** What a hang needs; the wait for it is never asserted. */
const LONG = 900_000;

/** Its tests in parts that may run at the same time; each file is in one of them. */
export type PythonPart = 'faults' | 'sides' | 'rest';
const partOf = (file: string): PythonPart =>
  /test_(faults|memory)/.test(file) ? 'faults' : file.includes('/_') ? 'sides' : 'rest';

/** The tests of the Python client, a file of pytest a test. They are skipped with the reason where what they need cannot be installed. */
export function pythonSuite(part: PythonPart): void {
  requires('python')(`The Python client: ${part}`, () => {
    let room = '';
    let absent: string | undefined;
    beforeAll(async () => {
      try {
        room = await pythonRoom();
      } catch (error) {
        if (isDemanded('python')) throw error;
        absent = `needs python: what its tests need cannot be installed: ${reasonOf(error)}`;
      }
    }, LONG);

    const files = globSync('tests/{,_async/,_sync/}test_*.py', { cwd: PYTHON_CLIENT }).toSorted();
    test.for(files.filter((file) => partOf(file) === part))(
      'passes %s',
      { timeout: LONG },
      async (file, { skip }) => {
        skip(absent !== undefined, absent);
        const { code, said } = await python(room, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', file]);
        expect(code, said).toBe(0);
        expect(said).toMatch(/\d+ passed/);
      },
    );
  });
}

/** Ended as a person at a terminal does it, so that what it started ends too. */
export function python(program: string, words: string[]): Promise<{ code: unknown; said: string }> {
  const env = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, ...compileCache() },
    RUNWIRE_TEST_NODE: process.execPath,
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const timeout = LONG - 60_000;
  const options = { cwd: PYTHON_CLIENT, env, timeout, killSignal: 'SIGINT', maxBuffer: 1 << 26 } as const;
  return new Promise((done) =>
    execFile(program, words, options, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : (error.code ?? error.signal), said: stdout + stderr }),
    ),
  );
}

function reasonOf(error: unknown): string {
  const { stderr = '', message } = error as { stderr?: string; message: string };
  return stderr.trim().split('\n').at(-1) || message;
}
