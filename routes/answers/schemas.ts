import { z } from 'zod';
import { ArtifactDescriptor } from '../../src/documents/artifact.ts';
import { Claimed, ClaimState } from '../../src/documents/claim.ts';
import { Completion } from '../../src/documents/completion.ts';
import { RuntimeEvent } from '../../src/documents/event.ts';
import { Invocation, InvocationInput } from '../../src/documents/invocation.ts';
import { Options } from '../../src/documents/options.ts';
import { Outcome } from '../../src/documents/outcome.ts';
import { Record } from '../../src/documents/record.ts';
import { RuntimeResult } from '../../src/documents/result.ts';
import { WorkerEvent } from '../../src/documents/worker-event.ts';
import { Problem } from './problem.ts';

/** Schemas that openapi.yaml names. What is only sent by clients gets the suffix Input there. */
const NAMED: { readonly [name: string]: z.ZodType } = {
  RuntimeInvocation: Invocation,
  Invocation: InvocationInput,
  Options,
  RuntimeResult,
  ArtifactDescriptor,
  RuntimeEvent,
  Record,
  Outcome,
  Problem,
  Claimed,
  ClaimState,
  WorkerEvent,
  Completion,
};
for (const [id, schema] of Object.entries(NAMED))
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), id });

/** A response of one or several media types. */
export function content(description: string, schemas: { [mediaType: string]: z.ZodType }) {
  return {
    description,
    content: Object.fromEntries(Object.entries(schemas).map(([type, schema]) => [type, { schema }])),
  };
}

/** A JSON response. */
export function json(description: string, schema: z.ZodType) {
  return content(description, { 'application/json': schema });
}

/** Bytes or text that JSON Schema says nothing of. */
export const Raw = z.string();

/** Every operation can answer with a problem. */
export const problems = {
  default: content('A problem; code says which', { 'application/problem+json': Problem }),
};
