import { plainHost } from '../platform/host.ts';

const NAME =
  /^(?:\*\.)?(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

/** A host name, or `*.` and a name for every host below it. Case, a final dot and whether it is in Punycode do not count. */
export function isHostPattern(text: string): boolean {
  return NAME.test(plainHost(text));
}

export function matchesHost(pattern: string, host: string): boolean {
  const wanted = plainHost(pattern);
  const name = plainHost(host);
  return wanted.startsWith('*.') ? name.endsWith(wanted.slice(1)) : name === wanted;
}
