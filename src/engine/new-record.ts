import { nameOf } from '../disk/run-directory.ts';
import { newDelivery } from '../documents/delivery.ts';
import type { LiveRun } from '../run/live-run.ts';
import type { NewRun } from '../store/invocation-store.ts';

/** The row of a run that is new. */
export function newRecord(run: LiveRun): NewRun {
  const { id, invocation, invocationJson, createdAt, startedAt, fingerprint, idempotencyKey } = run;
  const delivery = newDelivery(invocation);
  const directory = nameOf(run.directory);
  return {
    id,
    status: startedAt === null ? 'pending' : 'running',
    runtimeKind: run.runner.kind,
    runtimeName: invocation.runtime_name,
    createdAt,
    startedAt,
    fingerprint,
    idempotencyKey,
    invocation: invocationJson,
    ...(delivery && { delivery }),
    ...(directory !== id && { directory }),
    ...run.trace,
    ...(run.environmentSpec && { environmentSpec: run.environmentSpec }),
    ...(run.assets.length > 0 && { assets: run.assets }),
  };
}
