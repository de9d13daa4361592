import { z } from 'zod';
import { AssetReference, PathBelow } from './asset-use.ts';

/** By which templates name it. */
const DeclaredId = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,63}$/, { error: 'must be 1 to 64 of a-z 0-9 _ and not begin with a digit' })
  .refine((id) => id !== 'run', { error: 'is kept for what the server says of the run' });

const noNul = (text: string) => !text.includes('\0');
const NUL = { error: 'must not contain a NUL character' };

const SOURCES = ['artifact', 'asset', 'file', 'text', 'base64', 'value'] as const;

/** What a run is given under a name of its own. */
export const Input = z
  .strictObject({
    id: DeclaredId,
    artifact: z
      .strictObject({
        invocation_id: z.string().min(1),
        artifact_id: z.string().min(1),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hexadecimal digits, in small letters' })
          .optional()
          .describe('What it must be; the record has it in any case'),
      })
      .optional()
      .describe('Of a finished run'),
    asset: AssetReference.optional().describe('name, or name@version'),
    file: z
      .string()
      .min(1)
      .refine(noNul, NUL)
      .optional()
      .describe('A path of the machine; relative: to the working directory'),
    text: z.string().optional(),
    base64: z.base64().optional(),
    value: z.unknown().optional().describe('Any JSON: no file, its text is for templates'),
    filename: z
      .string()
      .min(1)
      .max(255)
      .refine(noNul, NUL)
      .refine((name) => !name.includes('/') && name !== '.' && name !== '..', {
        error: 'must be a name without slashes, and neither . nor ..',
      })
      .optional()
      .describe('Default: that of the artifact or asset, else the id'),
    extract: z.boolean().optional().describe('true: it is an archive, and becomes a directory'),
  })
  .superRefine((input, { addIssue }) => {
    const given = SOURCES.filter((source) => input[source] !== undefined);
    const issue = (path: string[], message: string) => addIssue({ code: 'custom', path, message });
    if (given.length !== 1) issue([], `needs one of ${SOURCES.join(', ')}, and no other`);
    const [source] = given;
    if (source !== 'value' && source !== 'file') return;
    for (const name of ['filename', 'extract'] as const)
      if (input[name] !== undefined) issue([name], `is of no use with ${source}`);
  });
export type Input = z.infer<typeof Input>;

/** What a run must, or may, leave behind: it becomes an artifact of this id. */
export const Output = z.strictObject({
  id: DeclaredId,
  path: PathBelow.describe('Below the working directory; a directory becomes one tar'),
  kind: z.string().min(1).max(64).optional().describe('Default: file, or directory'),
  description: z.string().max(1000).optional(),
  required: z.boolean().optional().describe('Default: true: without it the run has failed'),
});
export type Output = z.infer<typeof Output>;

const MAX_DECLARED = 100;
export const Inputs = z.array(Input).max(MAX_DECLARED);
export const Outputs = z.array(Output).max(MAX_DECLARED);

interface Declaring {
  inputs?: readonly { readonly id: string }[] | undefined;
  outputs?: readonly { readonly id: string }[] | undefined;
}

/** An id that is there twice, and where; null: all are different. */
export function repeatedId({ inputs = [], outputs = [] }: Declaring): { path: string[]; id: string } | null {
  const seen = new Set<string>();
  for (const [field, declared] of Object.entries({ inputs, outputs }))
    for (const [index, { id }] of declared.entries()) {
      if (seen.has(id)) return { path: [field, String(index), 'id'], id };
      seen.add(id);
    }
  return null;
}
