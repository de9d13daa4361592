import { type Run, type RunRecord, RunwireError } from '../../client/runwire.ts';

/** So many entries of a directory are looked at. */
const MOST = 500;

/**
 * Files in the own directory of a run that are older than it, and that its invocation does not name: they were sent beside it, which
 * no record tells, or have old times from an archive. None, where it cannot be told any more.
 */
export async function olderFiles(run: Run, { invocation, created_at: made }: RunRecord): Promise<string[]> {
  const named = (invocation.options.files ?? []).map(({ path }) => path);
  const isNamed = (path: string): boolean =>
    named.some((name) => path === name || path.startsWith(`${name}/`));
  try {
    const entries = await run.files({ limit: MOST }).toArray(MOST);
    return entries
      .filter(({ type, modified_at: at }) => type === 'file' && at <= made)
      .map(({ path }) => path)
      .filter((path) => !isNamed(path));
  } catch (error) {
    if (error instanceof RunwireError) return []; // it has none, or none that are kept
    throw error;
  }
}
