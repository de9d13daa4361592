import { z } from 'zod';
import { NOT_A_RESOURCE_ID, RESOURCE_ID, ResourceId } from './resource-id.ts';

/** `name`: the newest version of an asset at that moment; `name@3`: this one. */
export const AssetReference = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(@[1-9]\d{0,8})?$/, {
  error: 'must be the name of an asset, or name@version',
});

/** A place below another: with slashes, no part of it empty, `.` or `..`. */
export const PathBelow = z
  .string()
  .min(1)
  .max(1024)
  .refine((path) => !path.includes('\0'), { error: 'must not contain a NUL character' })
  .refine((path) => path.split('/').every((part) => !['', '.', '..'].includes(part)), {
    error: ({ input }) => notBelow(String(input)),
  })
  .refine((path) => path.split('/').every((part) => Buffer.byteLength(part) <= 255), {
    error: 'must have parts of at most 255 bytes',
  });

function notBelow(path: string): string {
  if (path.startsWith('/')) return 'must be a relative path, and begins with a slash';
  if (path.startsWith('./')) return 'must be a relative path without ./ before it';
  if (path.endsWith('/')) return 'must not end with a slash, of a directory neither';
  return 'must be a relative path, without empty parts, . or ..';
}

/** Here the version has a field of its own, since layers are merged field by field. */
const AssetName = z.string().regex(RESOURCE_ID, {
  error: ({ input }) =>
    AssetReference.safeParse(input).success
      ? 'must be a name: the number after @ goes into version'
      : NOT_A_RESOURCE_ID,
});

/** How a run uses one asset. */
export const AssetUse = z.strictObject({
  asset: AssetName.optional().describe('The name of the asset. Default: the key'),
  version: z.number().int().positive().max(999_999_999).optional().describe('Default: the newest'),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hexadecimal digits, in small letters' })
    .optional()
    .describe('What it must be; the record has it in any case'),
  save_path: PathBelow.optional().describe('Where it is below the place of all assets. Default: the key'),
  mode: z
    .enum(['mount', 'copy'])
    .optional()
    .describe('mount: to be read; copy: of its own, to be changed. Default: mount'),
});
export type AssetUse = z.infer<typeof AssetUse>;

/** `options.assets`: by the key that placeholders name. */
export const AssetUses = z.record(ResourceId, AssetUse).superRefine((uses, { addIssue }) => {
  const entries = Object.entries(uses);
  if (entries.length > MAX_USES)
    addIssue({ code: 'custom', path: [], message: `must have at most ${MAX_USES} entries` });
  const sorted = entries
    .map(([key, { save_path = key }]) => ({ key, place: `${save_path}/` }))
    .sort((a, b) => (a.place < b.place ? -1 : 1));
  for (const [index, { key, place }] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && place.startsWith(before.place))
      addIssue({
        code: 'custom',
        path: [key, 'save_path'],
        message: `is the place of ${before.key} (${before.place.slice(0, -1)}), or in it`,
      });
  }
});
export type AssetUses = z.infer<typeof AssetUses>;

const MAX_USES = 100;

/** What these uses name, each once. `version` null: the newest. */
export function assetsNamed(uses: AssetUses = {}): { name: string; version: number | null }[] {
  const named = Object.entries(uses).map(([key, { asset: name = key, version = null }]) => ({
    name,
    version,
  }));
  return [...new Map(named.map((one) => [`${one.name}@${one.version}`, one])).values()];
}
