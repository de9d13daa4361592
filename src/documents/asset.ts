import { z } from 'zod';
import { AssetReference } from './asset-use.ts';
import { CallUrl } from './call-url.ts';
import { ResourceId } from './resource-id.ts';

/** Of a directory: that is what its content is given as. */
export const DIRECTORY_MEDIA_TYPE = 'application/x-tar';
/** Of bytes of which nothing is known. */
export const UNKNOWN_MEDIA_TYPE = 'application/octet-stream';

/** A value that can stand in a header: a type, with parameters that need no quotes. */
const MEDIA_TYPE = /^[\w.+-]{1,64}\/[\w.+-]{1,64}(; ?[\w-]{1,32}=[\w.-]{1,64}){0,4}$/;

/** `type`, where it can be told again; else that nothing is known. */
export function tellableMediaType(type: string | undefined): string {
  const text = type?.trim() ?? '';
  return MEDIA_TYPE.test(text) ? text : UNKNOWN_MEDIA_TYPE;
}

/** Bytes that the server fetches. */
export const AssetSource = z.strictObject({
  url: CallUrl.max(8192).describe('Of what is to be kept; redirects are followed, each judged as the first'),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, { error: 'must be 64 hexadecimal digits' })
    .transform((digits) => digits.toLowerCase())
    .describe('SHA-256 of the bytes that come: of the archive, where it is extracted'),
  secret: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Name of a secret of the server, for the origin of the URL alone: a token, user:password, or the whole Authorization',
    ),
  extract: z.boolean().optional().describe('true: they are an archive, and become a directory'),
  media_type: z
    .string()
    .regex(MEDIA_TYPE, { error: 'must be a media type: text/plain' })
    .optional()
    .describe('Default: as the answer says'),
});
export type AssetSource = z.infer<typeof AssetSource>;

/** One version of an asset. Never changes. */
export const Asset = z.strictObject({
  name: ResourceId,
  version: z.number().int().describe('1, 2, 3 …, also over deletion: name@3 never means two things'),
  type: z.enum(['file', 'directory']),
  digest: z
    .string()
    .describe('SHA-256 (hex) of the bytes; of a directory: as the digest of a snapshot with the same in it'),
  bytes: z.number().int().describe('Of all files in it'),
  files: z.number().int(),
  media_type: z.string(),
  created_at: z.iso.datetime(),
  links: z.strictObject({ self: z.string(), content: z.string(), versions: z.string() }),
});
export type Asset = z.infer<typeof Asset>;

/** Null: it is no reference. */
export function parseAssetReference(text: string): { name: string; version: number | null } | null {
  if (!AssetReference.safeParse(text).success) return null;
  const [name = '', version] = text.split('@');
  return { name, version: version === undefined ? null : Number(version) };
}
