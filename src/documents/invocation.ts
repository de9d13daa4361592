import { z } from 'zod';
import { bounded } from './bounded.ts';
import { InvocationId } from './invocation-id.ts';
import { Options, optionsWith } from './options.ts';

/** Version of the RxP vocabulary that every document carries. */
export const SCHEMA_VERSION = '0.1';

const noNul = (value: string) => !value.includes('\0');
const Text = z.string().refine(noNul, { error: 'must not contain a NUL character' });
const Path = Text.min(1);
const StringMap = z.record(z.string(), z.string());

/** Environment variables: names without `=` or NUL, values without NUL. */
export const Environment = z.record(
  z.string().regex(/^[^=\0]+$/, { error: 'a variable name must not be empty or contain = or NUL' }),
  Text,
);

/**
 * RuntimeInvocation as a client may send it: a superset of RxP 0.1 in which what the
 * server can complete may be absent. Unknown keys are refused by name.
 */
export const InvocationInput = z
  .strictObject({
    schema_version: z.literal(SCHEMA_VERSION).optional(),
    contract_kind: z.literal('runtime_invocation').optional(),
    invocation_id: InvocationId.optional().describe('Absent: the server makes a sortable one'),
    runtime_name: z.string().min(1).max(256).optional().describe('Default: the kind'),
    runtime_kind: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe(
        'A kind of the server, or an alias of one; may be absent where options name an environment spec or a session, which have one',
      ),
    working_directory: Path.nullish().describe("Absent or null: a scratch directory of the run's own"),
    command: z.array(Text).min(1).optional().describe('argv; no shell. Needed by kinds that start a process'),
    environment: bounded(Environment).optional(),
    timeout_seconds: z
      .number()
      .positive()
      .max(1e9)
      .nullish()
      .describe('Seconds, may have a fraction; null: none'),
    input_payload_path: Path.nullish(),
    output_result_path: Path.nullish(),
    artifact_directory: Path.nullish(),
    metadata: bounded(StringMap).optional(),
    options: Options.optional(),
  })
  .refine(hasKind, {
    path: ['runtime_kind'],
    error: 'is missing: must be a string',
    // Told beside what else is wrong.
    when: ({ value }) => typeof value === 'object' && value !== null && !Array.isArray(value),
  })
  .refine((input) => typeof input.input_payload_path !== 'string' || input.options?.stdin === undefined, {
    path: ['options', 'stdin'],
    error: 'stdin and input_payload_path cannot both be given',
  })
  .refine((input) => typeof input.input_payload_path !== 'string' || !input.options?.stdin_open, {
    path: ['options', 'stdin_open'],
    error: 'stdin_open and input_payload_path cannot both be given',
  })
  .refine((input) => typeof input.input_payload_path !== 'string' || !input.options?.terminal, {
    path: ['options', 'terminal'],
    error: 'terminal and input_payload_path cannot both be given',
  })
  .meta({
    // What hasKind says, for who reads the JSON Schema.
    anyOf: [
      { required: ['runtime_kind'] },
      ...['environment_spec', 'session'].map((name) => ({
        required: ['options'],
        properties: { options: { required: [name] } },
      })),
    ],
  });
export type InvocationInput = z.infer<typeof InvocationInput>;
/** The same with what defaults say. */
export type WholeInvocationInput = InvocationInput & { runtime_kind: string };

/** Is there one, or who may have one. */
function hasKind({ runtime_kind, options }: { runtime_kind?: unknown; options?: unknown }): boolean {
  if (runtime_kind !== undefined || typeof options !== 'object' || options === null) {
    return runtime_kind !== undefined;
  }
  const { environment_spec, session } = options as { environment_spec?: unknown; session?: unknown };
  return environment_spec !== undefined || session !== undefined;
}

/** The same for a server whose kinds have these keys in `options`: no others are taken. */
export function invocationInput(optionKeys: readonly string[]): z.ZodType<InvocationInput> {
  return InvocationInput.safeExtend({ options: optionsWith(optionKeys).optional() });
}

/** The stored document: exact RxP 0.1, completed, plus `options`. */
export const Invocation = z.strictObject({
  schema_version: z.literal(SCHEMA_VERSION),
  contract_kind: z.literal('runtime_invocation'),
  invocation_id: InvocationId,
  runtime_name: z.string(),
  runtime_kind: z.string(),
  working_directory: z.string(),
  command: z.array(z.string()),
  environment: StringMap,
  timeout_seconds: z.number().nullable(),
  input_payload_path: z.string().nullable(),
  output_result_path: z.string().nullable(),
  artifact_directory: z.string().nullable(),
  metadata: StringMap,
  options: Options,
});
export type Invocation = z.infer<typeof Invocation>;
