import { isIP } from 'node:net';

/**
 * Where an IPv6 address has an IPv4 address in it, to which a host, a translator or a tunnel takes it: patterns over
 * its 32 hexadecimal digits.
 */
const FORMS: readonly RegExp[] = [
  /^0{20}ffff(.{8})$/, // IPv4-mapped, ::ffff:0:0/96 (RFC 4291)
  /^0{24}(?!0000000[01])(.{8})$/, // IPv4-compatible, ::/96 but for :: and ::1 (RFC 4291)
  /^0{16}ffff0000(.{8})$/, // IPv4-translated, ::ffff:0:0:0/96 (RFC 2765)
  /^0064ff9b0{16}(.{8})$/, // NAT64, 64:ff9b::/96 (RFC 6052)
  /^2002(.{8})/, // 6to4, 2002::/16 (RFC 3056)
  /^20010000(.{8})/, // Teredo, 2001::/32 (RFC 4380): the server
  /^.{16}0[0-3]005efe(.{8})$/, // ISATAP (RFC 5214)
];
/** The client of Teredo, every bit turned over. */
const TEREDO_CLIENT = /^20010000.{16}(.{8})$/;
/**
 * NAT64 of a network's own, 64:ff9b:1::/48 (RFC 8215). How long its prefix is nobody tells, so that the IPv4 address
 * is read at every place where RFC 6052 may have it: after 48, 56, 64 and 96 bits, passing over the octet at 64.
 */
const LOCAL_NAT64: readonly RegExp[] = [
  /^0064ff9b0001(.{4})..(.{4})/,
  /^0064ff9b0001..(..)..(.{6})/,
  /^0064ff9b0001.{6}(.{8})/,
  /^0064ff9b0001.{12}(.{8})$/,
];

/**
 * The address and every other that it may lead to: the IPv4 addresses in it, and loopback for the unspecified
 * addresses (0.0.0.0/8, ::), at which a machine answers itself. Empty for what is no address. A zone does not count.
 */
export function meantAddresses(address: string): string[] {
  const plain = address.replace(/%.*$/, '');
  const version = isIP(plain);
  if (version === 0) return [];
  const inside = version === 6 ? embedded(digitsOf(plain)) : [];
  const meant = [plain, ...inside];
  if (meant.some(isUnspecified)) meant.push('127.0.0.1');
  if (version === 6 && /^0+$/.test(digitsOf(plain))) meant.push('127.0.0.1', '::1');
  return meant;
}

function embedded(digits: string): string[] {
  const read = (form: RegExp): string[] => {
    const found = form.exec(digits);
    return found === null ? [] : [found.slice(1).join('')];
  };
  const client = read(TEREDO_CLIENT).map((hex) => (~Number.parseInt(hex, 16) >>> 0).toString(16));
  const local = LOCAL_NAT64.flatMap(read);
  // A wrong place often reads as 0.0.0.x, which would make every such address the machine itself.
  const likely = local.filter((hex) => !hex.startsWith('00'));
  return [...FORMS.flatMap(read), ...client, ...(likely.length > 0 ? likely : local)].map(dotted);
}

function isUnspecified(address: string): boolean {
  return address.startsWith('0.');
}

function dotted(hex: string): string {
  const bits = Number.parseInt(hex, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}

/** The 32 digits of an IPv6 address, of whatever spelling: URL has one for each. */
function digitsOf(address: string): string {
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): string[] => part.split(':').filter((group) => group !== '');
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill('');
  return [...groups(head), ...zeros, ...groups(tail)].map((group) => group.padStart(4, '0')).join('');
}
