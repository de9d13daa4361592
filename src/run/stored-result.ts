import type { PrivatePlaces } from '../disk/private-places.ts';
import { capturedBytes } from '../documents/outcome.ts';
import type { FinalStatus } from '../documents/result.ts';
import { messageOf } from '../platform/error-words.ts';
import type { InvocationStore } from '../store/invocation-store.ts';
import { writeUntilStored } from '../store/lasting-write.ts';
import type { FinishedFacts } from './finished-facts.ts';
import type { LiveRun } from './live-run.ts';
import { writeResultFile } from './result-file.ts';
import { normalize, type RunFacts } from './verdict.ts';

/** Result file first, then the record: whoever sees the run finished finds both. Tries until the record is stored. */
export async function storeResult(
  run: LiveRun,
  facts: RunFacts,
  artifactBytes: number,
  { store, places }: { store: InvocationStore; places: PrivatePlaces },
): Promise<FinishedFacts> {
  let { result, outcome } = normalize(facts);
  const { outputResult } = run.paths;
  if (outputResult !== null)
    try {
      const confined = run.confinedTo;
      await writeResultFile(outputResult, result, { confined, places: places.look(run.directory) });
    } catch (error) {
      ({ result, outcome } = normalize({ ...facts, notes: [...facts.notes, messageOf(error)] }));
    }
  const status = result.status as FinalStatus; // normalize gives final ones only
  const documents = { result: JSON.stringify(result), outcome: JSON.stringify(outcome) };
  const stored = {
    status,
    finishedAt: facts.finishedAt,
    ...documents,
    outputBytes: capturedBytes(outcome, 'kept') + artifactBytes,
  };
  run.storing();
  await writeUntilStored(store, () => store.finish(run.id, stored));
  return { status, finishedAt: facts.finishedAt, result, outcome, documents };
}
