import { z } from 'zod';
import { Rejected } from '../../src/contract/outcome.ts';
import { type SecretForm, secretForms } from '../../src/outbound/secret-forms.ts';
import { maySendTo, type Secrets } from '../../src/outbound/secrets.ts';
import { mayCarrySecret } from './header.ts';

export const Auth = z
  .strictObject({
    secret: z.string().min(1).describe('Name of a secret that the server holds'),
    scheme: z
      .enum(['bearer', 'basic', 'raw'])
      .optional()
      .describe(
        'bearer (default); basic: the secret is user:password; raw: the secret is the header’s value',
      ),
    header: z
      .string()
      .refine(mayCarrySecret, { error: 'is no header that may carry a secret' })
      .optional()
      .describe('Default: Authorization'),
  })
  .describe('Credentials of the call; shown nowhere');
export type Auth = z.infer<typeof Auth>;

const DEFAULT_HEADER = 'authorization';

/** The header that carries the secret, in small letters. */
export function secretHeaderOf({ header = DEFAULT_HEADER }: Auth): string {
  return header.toLowerCase();
}

/** The header that carries the secret. Throws Rejected when the server has none of that name, or not for this host. */
export function authHeaders(
  auth: Auth | undefined,
  secrets: Secrets,
  host: string,
  prefix: string,
): Record<string, string> {
  if (auth === undefined) return {};
  const secret = secrets.get(auth.secret);
  if (secret === undefined)
    throw new Rejected(
      `${prefix}.auth.secret: the server has no secret named ${JSON.stringify(auth.secret)}`,
    );
  if (!maySendTo(secret, host))
    throw new Rejected(`${prefix}.auth.secret: ${JSON.stringify(auth.secret)} may not be sent to ${host}`);
  return { [secretHeaderOf(auth)]: headerValue(auth.scheme, secret.value) };
}

/** Every form in which the secret was sent or may come back. */
export function formsOfSecret(auth: Auth | undefined, secrets: Secrets): SecretForm[] {
  const value = auth && secrets.get(auth.secret)?.value;
  if (value === undefined) return [];
  const password = auth?.scheme === 'basic' ? [value.slice(value.indexOf(':') + 1)] : [];
  return secretForms([value, ...password]);
}

function headerValue(scheme: Auth['scheme'], value: string): string {
  if (scheme === 'raw') return value;
  return scheme === 'basic' ? `Basic ${base64(value)}` : `Bearer ${value}`;
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64');
}
