import { type Invocation, SCHEMA_VERSION, type WholeInvocationInput } from '../documents/invocation.ts';

export interface CompletionDefaults {
  defaultTimeoutSeconds: number | null;
  maxTimeoutSeconds: number | null;
}

/** The exact RxP document of what was sent: every field present. `workingDirectory`: absolute. */
export function completeInvocation(
  input: WholeInvocationInput,
  id: string,
  workingDirectory: string,
  defaults: CompletionDefaults,
): Invocation {
  const asked = input.timeout_seconds ?? defaults.defaultTimeoutSeconds;
  const most = defaults.maxTimeoutSeconds;
  return {
    schema_version: SCHEMA_VERSION,
    contract_kind: 'runtime_invocation',
    invocation_id: id,
    runtime_name: input.runtime_name ?? input.runtime_kind,
    runtime_kind: input.runtime_kind,
    working_directory: workingDirectory,
    command: input.command ?? [],
    environment: input.environment ?? {},
    timeout_seconds: most === null ? asked : Math.min(asked ?? most, most),
    input_payload_path: input.input_payload_path ?? null,
    output_result_path: input.output_result_path ?? null,
    artifact_directory: input.artifact_directory ?? null,
    metadata: input.metadata ?? {},
    options: input.options ?? {},
  };
}
