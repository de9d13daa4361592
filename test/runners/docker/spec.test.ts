import { expect, test } from 'vitest';
import { registryOf } from '../../../runners/docker/image.ts';
import { DockerSpec, networkOf, portBindings } from '../../../runners/docker/spec.ts';
import { userOf } from '../../../runners/docker/user.ts';

const accepts = (spec: object): boolean => DockerSpec.safeParse({ image: 'x', ...spec }).success;

test('ports are bound to this machine alone unless an address is said', () => {
  expect(portBindings({ '8080': 80, '0.0.0.0:53': '53/udp', '[::1]:8081': 80 })).toEqual({
    '80/tcp': [
      { HostIp: '127.0.0.1', HostPort: '8080' },
      { HostIp: '::1', HostPort: '8081' },
    ],
    '53/udp': [{ HostIp: '0.0.0.0', HostPort: '53' }],
  });
});

test('there is no network unless ports or a name ask for one', () => {
  expect(networkOf(DockerSpec.parse({ image: 'x' }))).toBe('none');
  expect(networkOf(DockerSpec.parse({ image: 'x', ports: { 0: 80 } }))).toBe('bridge');
  expect(networkOf(DockerSpec.parse({ image: 'x', network: 'own' }))).toBe('own');
});

test.each([
  { ports: { 80: 70_000 } },
  { ports: { 80: 80 }, network: 'none' },
  { ports: { 'example.org:80': 80 } },
  { network: 'container:other' },
  { workdir: '/' },
  { workdir: 'relative' },
  { workdir: '/a/../b' },
  { workdir: '/a/' },
  { mounts: [{ source: '/a', target: '/proc/1' }] },
  { mounts: [{ source: 'a', target: '/b' }] },
  { tmpfs: [{ target: '/dev' }] },
  { labels: { 'runwire.server': 'me' } },
  { security_options: ['seccomp=/etc/passwd'] },
  { cap_add: ['net_raw;'] },
  { privileged: true },
  { image: '' },
])('%j is refused', (spec) => {
  expect(accepts(spec)).toBe(false);
});

test.each([{ tmpfs: [{ target: '/dev/shm' }] }, { workdir: '/developer/..x' }, { gpus: ['0'] }])(
  '%j is accepted',
  (spec) => {
    expect(accepts(spec)).toBe(true);
  },
);

test.each([
  ['busybox', 'docker.io'],
  ['library/busybox:1', 'docker.io'],
  ['ghcr.io/a/b:1', 'ghcr.io'],
  ['localhost:5000/a', 'localhost'],
  ['localhost/a', 'localhost'],
])('the registry of %s is %s', (image, host) => {
  expect(registryOf(image)).toBe(host);
});

test('a program is root only when that is said', () => {
  const facts = { asked: undefined, image: '', workspace: null, uid: 0, gid: 0 };
  expect(userOf(facts)).toBe('65534:65534');
  for (const image of ['root', '0', '0:0', 'root:staff'])
    expect(userOf({ ...facts, image })).toBe('65534:65534');
  expect(userOf({ ...facts, image: 'app' })).toBe('app');
  expect(userOf({ ...facts, asked: '0' })).toBe('0');
  const workspace = { path: '/nowhere', scratch: true };
  expect(userOf({ ...facts, image: 'app', workspace, uid: 1000, gid: 100 })).toBe('1000:100');
});
