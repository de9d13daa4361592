import { BlockList } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressGuard } from '../../src/outbound/address-guard.ts';

type Bytes = readonly number[];

const byte = fc.nat(255);
const bytes = (length: number) => fc.array(byte, { minLength: length, maxLength: length });
const zeros = (length: number): number[] => Array<number>(length).fill(0);
/** Of no block that is denied here: what stands beside the address in question is to decide nothing. */
const HARMLESS = [203, 0, 113, 9];

/** Each form that has an IPv4 address in it; `fill` is for bits of which the form says nothing. */
const FORMS: Readonly<Record<string, (v4: Bytes, fill: Bytes) => Bytes>> = {
  mapped: (v4) => [...zeros(10), 0xff, 0xff, ...v4],
  compatible: (v4) => [...zeros(12), ...v4],
  translated: (v4) => [...zeros(8), 0xff, 0xff, 0, 0, ...v4],
  'NAT64, well known': (v4) => [0, 0x64, 0xff, 0x9b, ...zeros(8), ...v4],
  'NAT64, local, 96 bits': (v4) => [0, 0x64, 0xff, 0x9b, 0, 1, ...zeros(6), ...v4],
  '6to4': (v4, fill) => [0x20, 0x02, ...v4, ...fill.slice(0, 8), ...HARMLESS.slice(0, 2)],
  'Teredo server': (v4, fill) => [0x20, 1, 0, 0, ...v4, ...fill.slice(0, 4), ...HARMLESS.map((b) => b ^ 255)],
  'Teredo client': (v4, fill) => [0x20, 1, 0, 0, ...HARMLESS, ...fill.slice(0, 4), ...v4.map((b) => b ^ 255)],
  ISATAP: (v4, fill) => [0x26, 0x06, ...fill.slice(0, 6), 0, 0, 0x5e, 0xfe, ...v4],
  'ISATAP, unique': (v4, fill) => [0x26, 0x06, ...fill.slice(0, 6), 2, 0, 0x5e, 0xfe, ...v4],
};
/** Where not only the address in question may be read. */
const AMBIGUOUS: typeof FORMS = {
  'NAT64, local, 48 bits': ([a = 0, b = 0, c = 0, d = 0], fill) => [
    ...[0, 0x64, 0xff, 0x9b, 0, 1, a, b, 0, c, d],
    ...fill.slice(0, 5),
  ],
  'NAT64, local, 56 bits': ([a = 0, b = 0, c = 0, d = 0], fill) => [
    ...[0, 0x64, 0xff, 0x9b, 0, 1, ...fill.slice(0, 1), a, 0, b, c, d],
    ...fill.slice(1, 5),
  ],
  'NAT64, local, 64 bits': (v4, fill) => [
    ...[0, 0x64, 0xff, 0x9b, 0, 1, ...fill.slice(0, 2), 0, ...v4],
    ...fill.slice(2, 5),
  ],
};

const v4 = bytes(4).filter(([a = 0]) => a !== 0 && a !== 127 && a !== 203);
const block = fc.record({ base: v4, bits: fc.integer({ min: 4, max: 32 }), low: bytes(4), fill: bytes(8) });
const text4 = (v4: Bytes): string => v4.join('.');

/** Groups of digits; now and then the last two as IPv4 has them, or with a zone. */
function spelt(address: Bytes, [how = 0]: Bytes): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((address[2 * i] ?? 0) << 8) | (address[2 * i + 1] ?? 0)).toString(16),
  );
  const whole =
    how % 2 === 0 ? groups.join(':') : `${groups.slice(0, 6).join(':')}:${text4(address.slice(12))}`;
  return how % 3 === 0 ? `${whole}%eth0` : whole;
}

function member(base: Bytes, bits: number, low: Bytes): Bytes {
  return base.map((value, i) => {
    const mask = (0xff00 >> Math.min(Math.max(bits - 8 * i, 0), 8)) & 255;
    return (value & mask) | ((low[i] ?? 0) & ~mask & 255);
  });
}

test.each(Object.entries({ ...FORMS, ...AMBIGUOUS }))(
  'an IPv4 block that is denied is denied within %s',
  (_, form) => {
    fc.assert(
      fc.property(block, ({ base, bits, low, fill }) => {
        const inside = member(base, bits, low);
        fc.pre(inside[0] !== 0);
        const guard = addressGuard({ deny: [`${text4(base)}/${bits}`] });
        expect(guard.allows(text4(inside))).toBe(false);
        const address = spelt(form(inside, fill), fill);
        expect(guard.allows(address)).toBe(false);
        if (!address.includes('%')) expect(() => guard.checkHost(`[${address}]`)).toThrow('not allowed');
        // What allows the IPv6 address alone allows nothing of the IPv4 address in it.
        const plain = address.replace(/%.*/, '');
        const half = addressGuard({ deny: [`${text4(base)}/${bits}`], allow: [plain] });
        expect(half.allows(plain)).toBe(false);
      }),
    );
  },
);

test.each(Object.entries(FORMS))(
  'an IPv4 address outside of every denied block is not denied within %s',
  (_, form) => {
    fc.assert(
      fc.property(block, v4, ({ base, bits, fill }, outside) => {
        const rule = `${text4(base)}/${bits}`;
        const denied = new BlockList();
        for (const [net, prefix] of [
          [text4(base), bits],
          ['169.254.0.0', 16],
          ['100.100.100.200', 32],
          ['192.0.0.192', 32],
          ['168.63.129.16', 32],
        ] as const)
          denied.addSubnet(net, prefix, 'ipv4');
        fc.pre(!denied.check(text4(outside), 'ipv4') && !denied.check(text4(HARMLESS), 'ipv4'));
        expect(addressGuard({ deny: [rule] }).allows(spelt(form(outside, fill), fill))).toBe(true);
      }),
    );
  },
);
