import { domainToASCII } from 'node:url';

const NAME =
  /^(?:\*\.)?(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

/** A host name, or `*.` and a name for every host below it. Case, a final dot and whether it is in Punycode do not count. */
export function isHostPattern(text: string): boolean {
  return NAME.test(plain(text));
}

export function matchesHost(pattern: string, host: string): boolean {
  const wanted = plain(pattern);
  const name = plain(host);
  return wanted.startsWith('*.') ? name.endsWith(wanted.slice(1)) : name === wanted;
}

function plain(host: string): string {
  return (/^\p{ASCII}*$/u.test(host) ? host : domainToASCII(host))
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
