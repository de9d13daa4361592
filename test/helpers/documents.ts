import type { NewRun } from '../../src/store/invocation-store.ts';

/** The row of a run that waits, with nothing in it that a test does not say. */
export function newRow(id: string, more: Partial<NewRun> = {}): NewRun {
  return {
    id,
    status: 'pending',
    runtimeKind: 'manual',
    runtimeName: 'manual',
    createdAt: 1,
    startedAt: null,
    fingerprint: null,
    idempotencyKey: null,
    invocation: '{}',
    ...more,
  };
}
