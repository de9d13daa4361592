import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Of a whole run of the tests: they start more than a thousand servers and supervisors, each of which would strip the
 * types of and compile the same files. What Node compiled is kept in one directory and ends with the run.
 */
export default function keepWhatIsCompiled(): () => void {
  const given = process.env.NODE_COMPILE_CACHE;
  if (given !== undefined) return () => {};
  const directory = mkdtempSync(join(tmpdir(), 'runwire-compiled-'));
  process.env.NODE_COMPILE_CACHE = directory; // the workers have it from here, and what they start from them
  return () => {
    delete process.env.NODE_COMPILE_CACHE;
    rmSync(directory, { recursive: true, force: true });
  };
}

/** For a process that is started with an environment of its own. */
export function compileCache(): Record<string, string> {
  const { NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
}
