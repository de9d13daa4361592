import { lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { isHostPattern, matchesHost } from './host-pattern.ts';
import { meantAddresses } from './meant-addresses.ts';

/**
 * Where no call of ours goes unless it is allowed by name: link-local addresses, which hold the metadata
 * services that give a cloud machine's credentials to whoever asks, and those services' other addresses.
 * Loopback and private networks are not here: that is where the systems are that call us.
 */
const DENIED = [
  '169.254.0.0/16', // link-local (RFC 3927), metadata of AWS, Azure, GCP and others
  'fe80::/10', // link-local (RFC 4291)
  'fd00:ec2::254/128', // AWS metadata
  'fd20:ce::254/128', // GCP metadata
  '100.100.100.200/32', // Alibaba metadata
  '192.0.0.192/32', // Oracle metadata
  '168.63.129.16/32', // Azure's host
];

const NUMBER = /(?:^|\.)0x[0-9a-f]*\.?$/i;

export interface AddressRules {
  /** CIDR blocks, addresses or host names (`*.` for all below) that may be called although they are denied. */
  allow?: readonly string[];
  /** The same, denied beside the default ones; `0.0.0.0/0` and `::/0` deny all but `allow`. A denied name wins. */
  deny?: readonly string[];
}

export interface AddressGuard {
  /** Of an address that may lead to others (`meantAddresses`), each must be allowed: one that is denied wins. */
  allows(address: string): boolean;
  /** Throws AddressDenied for a denied address or name; the addresses of other names are seen by `lookup`. */
  checkHost(host: string): void;
  /**
   * For `lookup` of net.connect, http.request or undici's connect: resolves a name to its allowed addresses.
   * It sees the very addresses that are connected to, so a name that changes between check and use gains nothing.
   */
  readonly lookup: LookupFunction;
}

/** The address that a call would go to is not allowed. The words may be shown to a client. */
export class AddressDenied extends Error {
  readonly code = 'ADDRESS_DENIED';
  constructor(host: string) {
    super(`calls to ${host} are not allowed by this server`);
    this.name = 'AddressDenied';
  }
}

/** Is this an address, a CIDR block or a host pattern. */
export function isAddressRule(rule: string): boolean {
  if (isName(rule)) return true;
  try {
    blockList([rule]);
    return true;
  } catch {
    return false;
  }
}

/** Throws RangeError for a rule that is no address, no CIDR block and no host pattern. */
export function addressGuard(rules: AddressRules = {}): AddressGuard {
  const allowed = (rules.allow ?? []).filter((rule) => !isName(rule));
  const allow = blockList(allowed);
  // A BlockList counts IPv4 addresses as members of ::ffff:0:0/96: `::/0` would allow them all.
  const allowIPv4 = blockList(allowed.filter((rule) => !rule.includes(':')));
  const deny = blockList([...DENIED, ...(rules.deny ?? []).filter((rule) => !isName(rule))]);
  const allowedNames = (rules.allow ?? []).filter(isName);
  const deniedNames = (rules.deny ?? []).filter(isName);
  const checkName = (host: string): void => {
    if (deniedNames.some((pattern) => matchesHost(pattern, host))) throw new AddressDenied(host);
  };
  const allowsOne = (address: string): boolean =>
    isIP(address) === 6
      ? allow.check(address, 'ipv6') || !deny.check(address, 'ipv6')
      : allowIPv4.check(address, 'ipv4') || !deny.check(address, 'ipv4');
  const allows = (address: string): boolean => {
    const meant = meantAddresses(address);
    return meant.length > 0 && meant.every(allowsOne);
  };
  return {
    allows,
    checkHost(host) {
      const address = host.replace(/^\[|\]$/g, '');
      if (isIP(address) !== 0 && !allows(address)) throw new AddressDenied(host);
      checkName(host);
    },
    lookup(hostname, options, callback) {
      const named = allowedNames.some((pattern) => matchesHost(pattern, hostname));
      resolve(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, []);
        const open = addresses.filter(({ address }) => named || allows(address));
        const first = open[0];
        if (first === undefined) callback(new AddressDenied(hostname), []);
        else if (options.all) callback(null, open);
        else callback(null, first.address, first.family);
      });
    },
  };
}

/**
 * A name has a letter in its last part, which no address and no CIDR block has but an IPv6 one. A last part like 0x7f
 * is a number: URLs read such hosts as IPv4 addresses, and the rule would hold for none.
 */
function isName(rule: string): boolean {
  return isHostPattern(rule) && isIP(rule) === 0 && /\p{L}[^.]*\.?$/iu.test(rule) && !NUMBER.test(rule);
}

function blockList(rules: readonly string[]): BlockList {
  const list = new BlockList();
  for (const rule of rules) {
    const [written = '', prefix, ...rest] = rule.split('/');
    const address = written.replace(/^\[(.*)\]$/, '$1');
    const version = isIP(address);
    const bits = prefix === undefined ? 0 : Number(prefix);
    const most = version === 6 ? 128 : 32;
    if (version === 0 || rest.length > 0 || !/^\d{1,3}$/.test(prefix ?? '0') || bits > most)
      throw new RangeError(`${rule} is not an address or CIDR block`);
    list.addSubnet(address, prefix === undefined ? most : bits, version === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
