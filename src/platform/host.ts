import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);
/** URLs read a host that ends like this as an IPv4 address. */
const NUMBER = /(?:^|\.)(?:\d+|0x[\da-f]*)$/;

/**
 * One spelling for all of a host: small letters, Punycode, no final dot, an IPv6 address without brackets and in its shortest form.
 * Empty where the text is no host in any spelling.
 */
export function plainHost(text: string): string {
  const address = text.replace(/^\[(.*)\]$/s, '$1');
  if (isIP(address) === 6 && !address.includes('%'))
    return new URL(`http://[${address}]`).hostname.slice(1, -1);
  const name = /^\p{ASCII}*$/u.test(text) ? text : domainToASCII(text);
  return name.toLowerCase().replace(/\.$/, '');
}

/** Is a host in its plain spelling a name that can be that of a machine; addresses are none. */
export function isHostName(plain: string): boolean {
  return NAME.test(plain) && !NUMBER.test(plain);
}
