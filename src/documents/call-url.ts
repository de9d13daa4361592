import { z } from 'zod';

const NONE = { error: 'must not contain a user or password' };

/**
 * Has an address a user or a password, empty ones too (`http://@h/`). It is read as URLs are: blanks around it, tabs and
 * line breaks do not count, `\` is `/`, and `//host` is an address as well.
 */
export function hasCredentials(address: string): boolean {
  const text = address.replace(/[\t\n\r]/g, '').replace(/^[^\x21-\u{10ffff}]+/u, '');
  return /^(?:[a-z][a-z\d+.-]*:[/\\]*|[/\\]{2,})[^/\\?#]*@/i.test(text);
}

/** Text that may become an address: what is wrong with it otherwise, whoever uses it says. What it holds is part of the record. */
export const AddressText = z.string().refine((text) => !hasCredentials(text), NONE);

/** An http(s) URL to call. A fragment is allowed and sent nowhere. */
export const CallUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL', abort: true })
  .refine((text) => !hasCredentials(text), NONE);
