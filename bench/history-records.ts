import { join } from 'node:path';
import { isFinal } from '../src/documents/result.ts';
import { InvocationStore } from '../src/store/invocation-store.ts';

/** Records of one commit. */
const BATCH = 2000;

export const recordId = (index: number): string => `past-${String(index).padStart(7, '0')}`;

/**
 * Puts finished records into the data directory of a server that does not run: copies of the finished run `template`, each
 * with its own id and times, every tenth of them failed.
 */
export async function fillHistory(dataDir: string, template: string, count: number): Promise<void> {
  const store = new InvocationStore(join(dataDir, 'runwire.db'));
  try {
    const run = store.get(template);
    if (run?.result == null || run.outcome === null || !isFinal(run.status))
      throw new Error(`${template} has not finished`);
    const { invocation, result, outcome, runtimeKind, runtimeName } = run;
    for (let index = 0; index < count; index++) {
      const id = recordId(index);
      const at = run.createdAt + index;
      const failed = index % 10 === 0;
      store.insert({
        ...{ id, runtimeKind, runtimeName, status: 'running', createdAt: at, startedAt: at },
        ...{ fingerprint: null, idempotencyKey: null, invocation: invocation.replaceAll(template, id) },
      });
      store.finish(id, {
        status: failed ? 'failed' : 'succeeded',
        finishedAt: at + 1,
        result: (failed ? result.replace('"succeeded"', '"failed"') : result).replaceAll(template, id),
        outcome: outcome.replaceAll(template, id),
        outputBytes: 0,
      });
      if (index % BATCH === 0) await store.committed();
    }
    await store.committed();
  } finally {
    store.close();
  }
}
