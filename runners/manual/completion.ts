import { hash } from 'node:crypto';
import type { Completion } from '../../src/documents/completion.ts';
import { type FieldError, RunwireError } from '../../src/documents/errors.ts';
import type { Invocation } from '../../src/documents/invocation.ts';
import { holderOf, type ManualState } from './state.ts';

/** The same for the same completion, whatever the order of its keys. */
export function completionHash(completion: Completion): string {
  const sorted = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, inner]) => [key, sorted(inner)]),
        )
      : value;
  return hash('sha256', JSON.stringify(sorted(completion)));
}

/** True: this very completion was taken before. Throws completion_conflict where another one was. */
export function wasTaken(state: ManualState, token: string, sha256: string): boolean {
  if (state.completion === null || holderOf(state, token) !== 'present') return false;
  if (state.completion.sha256 === sha256) return true;
  throw new RunwireError('completion_conflict', 'This run was completed with another body.');
}

/** Throws invalid_field for an echo that names another run, and for artifacts that were never uploaded. */
export function checkCompletion(
  completion: Completion,
  invocation: Invocation,
  hasArtifact: (id: string) => boolean,
): void {
  const errors: FieldError[] = [];
  for (const path of ['invocation_id', 'runtime_name', 'runtime_kind'] as const)
    if (completion[path] !== undefined && completion[path] !== invocation[path])
      errors.push({ path, message: `is not that of this run, ${invocation[path]}` });
  completion.artifacts?.forEach((artifact, index) => {
    const id = typeof artifact === 'string' ? artifact : artifact.artifact_id;
    if (!hasArtifact(id)) errors.push({ path: `artifacts.${index}`, message: `${id} was not uploaded` });
  });
  if (errors.length > 0)
    throw new RunwireError(
      'invalid_field',
      errors.map(({ path, message }) => `${path}: ${message}`).join('; '),
      { errors },
    );
}
