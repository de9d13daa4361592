import type { InvocationInput } from '../documents/invocation.ts';
import type { SessionRow } from './session-facts.ts';

/**
 * The run that sets a session up, as it is submitted: the same whenever it is asked for. It has no command; what its
 * workspace has after it is what the session begins with.
 */
export function setupRunOf({ id, workspace, setup: runId, kept, progress }: SessionRow): InvocationInput {
  const { defaults, kind, isEvaluation, disableSetup } = kept;
  const { artifacts: _, outputs: __, queue_timeout_seconds: ___, setup, ...options } = defaults.options ?? {};
  const { resume_commands, evaluation_commands, ...always } = setup ?? {};
  const commands = {
    ...always,
    ...(isEvaluation && evaluation_commands && { evaluation_commands }),
    ...(progress.generation > 1 && resume_commands && { resume_commands }),
  };
  return {
    invocation_id: runId,
    runtime_kind: kind,
    ...(defaults.environment && { environment: defaults.environment }),
    options: {
      ...options,
      ...(setup && { setup: commands }),
      ...(disableSetup && { disable_setup: true }),
      ...(isEvaluation && { is_evaluation: true }),
      session: id,
      workspace: { id: workspace, snapshot: 'after' },
    },
  };
}

/** The snapshot that it leaves, however it ends. */
export function snapshotAfter(setup: string): string {
  return `${setup}.after`;
}
