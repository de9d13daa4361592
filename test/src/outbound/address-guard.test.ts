import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { AddressDenied, addressGuard } from '../../../src/outbound/address-guard.ts';

test.each([
  '169.254.169.254',
  '169.254.0.1',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '::169.254.169.254',
  '::ffff:0:169.254.169.254',
  '64:ff9b:1:a9fe:a9:fe00::',
  '64:ff9b:1:a9:fe:a9fe::',
  '64:ff9b:1:0:a9:fea9:fe00:0',
  '64:ff9b:1::a9fe:a9fe',
  '2001:0:a9fe:a9fe::',
  '2001:0:808:808:0:0:5601:5601',
  '2606:4700::5efe:169.254.169.254',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  '100.100.100.200',
  '168.63.129.16',
  'no address',
])('%s is denied by default', (address) => {
  expect(addressGuard().allows(address)).toBe(false);
});

test.each([
  '127.0.0.1',
  '::1',
  '10.0.0.1',
  '192.168.1.1',
  '93.184.216.34',
  '2606:4700::1111',
  '::ffff:10.0.0.1',
])('%s is allowed by default', (address) => {
  expect(addressGuard().allows(address)).toBe(true);
});

test('rules deny more, and allow what is denied', () => {
  const guard = addressGuard({ deny: ['0.0.0.0/0', '::/0'], allow: ['10.1.0.0/16', '169.254.7.7', '::1'] });
  expect(['10.1.2.3', '169.254.7.7', '::1'].map(guard.allows)).toEqual([true, true, true]);
  expect(['10.2.2.3', '169.254.7.8', '::2', '8.8.8.8'].map(guard.allows)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

const strict = addressGuard({ deny: ['127.0.0.0/8', '10.0.0.0/8', '::1'] });

test.each([
  '0.0.0.0',
  '0.1.2.3',
  '::',
  '0:0:0:0:0:0:0:0',
  '::%lo',
  '::ffff:0:0',
  '::ffff:127.0.0.1',
  '::127.0.0.1',
  '64:ff9b::',
  '64:ff9b::10.1.2.3',
  '64:ff9b:1::',
  '2002:a01:203::1',
  '2002::1',
  'fe80::5efe:10.1.2.3%eth0',
])('with loopback and 10.0.0.0/8 denied, %s is', (address) => {
  expect(strict.allows(address)).toBe(false);
});

test.each([
  ...['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '64:ff9b:1::8.8.8.8'],
  ...['64:ff9b:1:808:8:800::', '64:ff9b:1:8:8:808::', '64:ff9b:1:0:8:808:800:0', '2002:808:808::1'],
])('with loopback and 10.0.0.0/8 denied, %s is not', (address) => {
  expect(strict.allows(address)).toBe(true);
});

test('each spelling of a host that URLs and resolvers take for an address here is refused', async () => {
  const hosts = [
    '0',
    '127.1',
    '0x7f.1',
    '2130706433',
    '017700000001',
    '１２７.0.0.1',
    '127。0。0。1',
    '127.0.0.1.',
  ];
  for (const host of [...hosts, '[::]', '[::ffff:0:0]', '[::ffff:7f00:1]', '0x0', '00.0'])
    expect(() => strict.checkHost(new URL(`http://${host}/`).hostname), host).toThrow(AddressDenied);
  const lookup = (host: string) =>
    new Promise((settled) => strict.lookup(host, { all: true }, (error, found) => settled(error ?? found)));
  for (const host of ['0', '127.1', '0x7f.1', '2130706433', '017700000001', 'localhost'])
    expect(await lookup(host), host).toBeInstanceOf(AddressDenied);
});

test('an unspecified address that is allowed is still loopback, which is denied', () => {
  const guard = addressGuard({ deny: ['127.0.0.0/8', '::1'], allow: ['0.0.0.0', '::'] });
  expect([guard.allows('0.0.0.0'), guard.allows('::')]).toEqual([false, false]);
});

test('a form with an IPv4 address in it is allowed when both are', () => {
  const deny = ['0.0.0.0/0', '::/0'];
  const both = addressGuard({ deny, allow: ['10.1.0.0/16', '64:ff9b::/96'] });
  expect(both.allows('64:ff9b::10.1.2.3')).toBe(true);
  expect(both.allows('64:ff9b::10.2.2.3')).toBe(false);
  expect(both.allows('::ffff:10.1.2.3')).toBe(true);
  expect(addressGuard({ deny, allow: ['10.1.0.0/16'] }).allows('64:ff9b::10.1.2.3')).toBe(false);
});

test('what allows IPv6 allows no IPv4, what denies ::/0 denies both', () => {
  expect(addressGuard({ deny: ['0.0.0.0/0'], allow: ['::/0'] }).allows('8.8.8.8')).toBe(false);
  expect(addressGuard({ deny: ['0.0.0.0/0'], allow: ['::/0'] }).allows('2606:4700::1111')).toBe(true);
  expect(addressGuard({ deny: ['::/0'] }).allows('8.8.8.8')).toBe(false);
});

test('names are the same in Unicode and in Punycode', () => {
  const guard = addressGuard({ deny: ['*.bücher.example'] });
  expect(() => guard.checkHost(new URL('http://API.Bücher.example./').hostname)).toThrow(AddressDenied);
});

test.each([
  '0x7f',
  '10.0x1',
  '',
  'no rule!',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '::/129',
  '10.0.0.0/-1',
  '1.2.3/8',
])('the rule %j is refused', (rule) => {
  expect(() => addressGuard({ deny: [rule] })).toThrow(RangeError);
});

test('a host that is an address is checked without a lookup, in brackets or not; names pass', () => {
  const guard = addressGuard();
  expect(() => guard.checkHost('169.254.169.254')).toThrow(AddressDenied);
  expect(() => guard.checkHost('[fe80::1]')).toThrow(AddressDenied);
  guard.checkHost('[::1]');
  guard.checkHost('example.com');
  // The forms that browsers and curl take for 169.254.169.254 are written out by URL.
  for (const form of ['2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518'])
    expect(() => guard.checkHost(new URL(`http://${form}/`).hostname)).toThrow(AddressDenied);
});

test('a name is connected to at its allowed addresses only', async () => {
  const server = createServer((_request, response) => response.end('here')).listen(0);
  const { port } = server.address() as AddressInfo;
  const ask = (guard: ReturnType<typeof addressGuard>) =>
    new Promise<number | undefined>((resolve, reject) => {
      get({ host: 'localhost', port, agent: false, lookup: guard.lookup }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      }).on('error', reject);
    });
  expect(await ask(addressGuard())).toBe(200);
  await expect(ask(addressGuard({ deny: ['127.0.0.0/8', '::1'] }))).rejects.toBeInstanceOf(AddressDenied);
  server.close();
});

test('a caller that wants one address gets an allowed one', async () => {
  const found = await new Promise((resolve, reject) => {
    addressGuard().lookup('localhost', { family: 4 }, (error, address, family) =>
      error ? reject(error) : resolve({ address, family }),
    );
  });
  expect(found).toEqual({ address: '127.0.0.1', family: 4 });
});

test('names are rules too: a denied name wins, an allowed one may have denied addresses', async () => {
  const guard = addressGuard({ deny: ['127.0.0.0/8', '::1', '*.internal'], allow: ['localhost'] });
  const lookup = (host: string) =>
    new Promise((resolve) => guard.lookup(host, { all: true }, (error, found) => resolve(error ?? found)));
  expect(await lookup('localhost')).toBeInstanceOf(Array);
  expect(() => guard.checkHost('metadata.google.internal.')).toThrow(AddressDenied);
  expect(() => guard.checkHost('internal.example')).not.toThrow();
  expect(() => guard.checkHost('127.0.0.1')).toThrow(AddressDenied);
});
