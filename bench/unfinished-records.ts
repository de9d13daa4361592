import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InvocationStore } from '../src/store/invocation-store.ts';

/** Records of one commit. */
const BATCH = 2000;

/**
 * Puts runs that never ended into the data directory of a server that does not run, as its death would leave them: copies of the
 * unfinished run `template`, each with its own id and its own scratch directory where `directories` is true.
 */
export async function fillUnfinished(
  dataDir: string,
  { template, count, directories }: { template: string; count: number; directories: boolean },
): Promise<void> {
  const store = new InvocationStore(join(dataDir, 'runwire.db'));
  try {
    const run = store.get(template);
    if (!run || (run.status !== 'pending' && run.status !== 'running'))
      throw new Error(`${template} has finished`);
    const { invocation, status, createdAt, startedAt, runtimeKind, runtimeName } = run;
    for (let index = 0; index < count; index++) {
      const id = `left-${String(index).padStart(7, '0')}`;
      store.insert({
        ...{ id, status, createdAt, startedAt, runtimeKind, runtimeName },
        ...{ fingerprint: null, idempotencyKey: null, invocation: invocation.replaceAll(template, id) },
      });
      if (directories) mkdirSync(join(dataDir, 'runs', id, 'work'), { recursive: true });
      if (index % BATCH === 0) await store.committed();
    }
    await store.committed();
  } finally {
    store.close();
  }
}
