import { masked } from '../outbound/masking.ts';
import { secretForms } from '../outbound/secret-forms.ts';
import { type Secrets, secretRefusal } from '../outbound/secrets.ts';
import { gitRefusal } from './refusal.ts';

/** What a server of repositories is shown, and how it is kept out of all words. */
export interface GitCredential {
  /** Value of the header Authorization; null: none is sent. */
  authorization: string | null;
  mask(text: string): string;
}

/** GitHub's name for who has nothing but a token; others take any. */
const USER_OF_TOKENS = 'x-access-token';
const WHOLE_VALUE = /^(?:basic|bearer|token) /i;

/**
 * The secret of that name for this host: a token, `user:password`, or the whole value of the header (`Bearer …`).
 * Throws RunwireError where the server has none, or not for this host.
 */
export function gitCredential(name: string | undefined, secrets: Secrets, host: string): GitCredential {
  const value = name === undefined ? undefined : secrets.get(name)?.value;
  const refused = name === undefined ? undefined : secretRefusal(secrets, name, host);
  if (refused !== undefined) throw gitRefusal('secret', refused);
  if (value === undefined) return { authorization: null, mask: (text) => text };
  const pair = value.includes(':') ? value : `${USER_OF_TOKENS}:${value}`;
  const authorization = WHOLE_VALUE.test(value) ? value : `Basic ${Buffer.from(pair).toString('base64')}`;
  const password = value.slice(value.indexOf(':') + 1);
  const bare = value.replace(WHOLE_VALUE, '');
  const forms = secretForms([value, pair, password, bare, authorization]);
  return { authorization, mask: (text) => masked(text, forms) };
}
