import { z } from 'zod';
import { ArtifactDescriptor } from '../../src/documents/artifact.ts';
import { Asset } from '../../src/documents/asset.ts';
import { Claimed, ClaimState } from '../../src/documents/claim.ts';
import { Completion } from '../../src/documents/completion.ts';
import { EnvironmentSpec, EnvironmentSpecInput, SpecOptions } from '../../src/documents/environment-spec.ts';
import { RuntimeEvent } from '../../src/documents/event.ts';
import { ExactInvocation } from '../../src/documents/exact-invocation.ts';
import { Invocation, InvocationInput } from '../../src/documents/invocation.ts';
import { Options } from '../../src/documents/options.ts';
import { Outcome } from '../../src/documents/outcome.ts';
import { Record } from '../../src/documents/record.ts';
import { RuntimeResult } from '../../src/documents/result.ts';
import { Checkpoint, Session, SessionInput, SessionOptions } from '../../src/documents/session.ts';
import { Diff, Snapshot } from '../../src/documents/snapshot.ts';
import { WorkerEvent } from '../../src/documents/worker-event.ts';
import { Workspace } from '../../src/documents/workspace.ts';
import { Problem } from './problem.ts';

/** Schemas that openapi.yaml names. What is only sent by clients gets the suffix Input there. */
const NAMED: { readonly [name: string]: z.ZodType } = {
  RuntimeInvocation: Invocation,
  Invocation: InvocationInput,
  Options,
  ExactInvocation,
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
  StoredEnvironmentSpec: EnvironmentSpec,
  EnvironmentSpec: EnvironmentSpecInput,
  SpecOptions,
  Workspace,
  Snapshot,
  Diff,
  NewSession: SessionInput,
  SessionOptions,
  Session,
  Checkpoint,
  Asset,
};
/** What the page of the interface has clients try: each is taken as it stands. */
const EXAMPLES: { readonly [name: string]: object } = {
  Invocation: {
    runtime_kind: 'subprocess',
    command: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 1; done'],
  },
  NewSession: {
    session_id: 'demo',
    runtime_kind: 'subprocess',
    files: [{ path: 'src/main.sh', text: 'echo hello\n' }],
    options: { artifacts: ['*.log'] },
    idle_seconds: 3600,
  },
  EnvironmentSpec: {
    runtime_kind: 'subprocess',
    environment: { GREETING: 'hello' },
    options: { limits: { open_files: 100 } },
    entry: { command: ['sh', '-c', 'echo "$GREETING"'] },
  },
  WorkerEvent: { type: 'progress', message: 'half of it' },
  Completion: { status: 'succeeded', exit_code: 0 },
};

for (const [id, schema] of Object.entries(NAMED)) {
  const example = EXAMPLES[id];
  z.globalRegistry.add(schema, {
    ...z.globalRegistry.get(schema),
    id,
    ...(example && { examples: [example] }),
  });
}

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

/** One server-sent event, in the words of OpenAPI 3.2: `data` is the JSON of a RuntimeEvent. */
export const ServerSentEvent = z
  .strictObject({
    id: z.string().describe('seq'),
    event: z.string().describe('type'),
    data: z.string().meta({
      contentMediaType: 'application/json',
      contentSchema: { $ref: '#/components/schemas/RuntimeEvent' },
    }),
  })
  .describe('Each event of the stream');

/** Bytes or text that JSON Schema says nothing of. */
export const Raw = z.string();

/** Every operation can answer with a problem. */
export const problems = {
  default: content('A problem; code says which', { 'application/problem+json': Problem }),
};
