import { fileNameOf } from '../documents/artifact.ts';
import type { Input } from '../documents/declared-files.ts';
import { type FieldError, RunwireError } from '../documents/errors.ts';
import { fieldRefusal } from '../documents/field-errors.ts';
import { BadName, partsOf } from '../files/names.ts';
import type { ArtifactsOfRuns } from './artifacts.ts';

/**
 * Inputs of a new run as they are stored: each file has its name, and an artifact its hash, so that it never means another one. Throws
 * RunwireError that names the field: what artifacts throw where there is none, and invalid_invocation.
 */
export function pinInputs(inputs: readonly Input[], artifacts: ArtifactsOfRuns): Input[] {
  return inputs.map((input, index) => {
    const path = `options.inputs.${index}`;
    const pinned = input.artifact === undefined ? input : pinArtifact(input, artifacts, `${path}.artifact`);
    checkName(pinned, path);
    return pinned;
  });
}

function pinArtifact(input: Input, artifacts: ArtifactsOfRuns, path: string): Input {
  const { invocation_id = '', artifact_id = '', sha256: wanted } = input.artifact ?? {};
  let found: ReturnType<ArtifactsOfRuns['artifactPath']>;
  try {
    found = artifacts.artifactPath(invocation_id, artifact_id);
  } catch (error) {
    if (!(error instanceof RunwireError)) throw error;
    const errors: FieldError[] = [{ path, message: error.message }];
    throw new RunwireError(error.code, `${path}: ${error.message}`, { errors, cause: error });
  }
  const { sha256 = '' } = found.descriptor.metadata;
  if (wanted !== undefined && wanted !== sha256)
    throw fieldRefusal('invalid_invocation', [
      { path: `${path}.sha256`, message: `${artifact_id} of ${invocation_id} is another one: ${sha256}` },
    ]);
  return {
    ...input,
    artifact: { invocation_id, artifact_id, sha256 },
    filename: input.filename ?? fileNameOf(found.descriptor),
  };
}

function checkName({ filename }: Input, path: string): void {
  try {
    if (filename !== undefined) partsOf(filename);
  } catch (error) {
    if (!(error instanceof BadName)) throw error;
    throw fieldRefusal('invalid_invocation', [{ path: `${path}.filename`, message: error.message }]);
  }
}
