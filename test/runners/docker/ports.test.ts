import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { portPlaces } from '../../../runners/docker/ports.ts';
import type { Record as RunRecord } from '../../../src/documents/record.ts';
import { type BuiltApp, buildApp } from '../../helpers/build-app.ts';
import { containersOf, DOCKER_HOST, testImage } from '../../helpers/docker/image.ts';
import { requires } from '../../helpers/require.ts';
import { eventsOf } from '../../helpers/run-events.ts';
import { expectRxpDocuments } from '../../helpers/rxp.ts';

test('places are addresses that can be called, those of IPv6 too', () => {
  const at = (HostIp: string, HostPort: string) => ({ HostIp, HostPort });
  const unbound = { '53/udp': null } as unknown as Parameters<typeof portPlaces>[0];
  expect(portPlaces({ '80/tcp': [at('0.0.0.0', '1'), at('::', '2')], '81/tcp': [], ...unbound })).toEqual({
    '80/tcp': '0.0.0.0:1, [::]:2',
  });
});

requires('docker')('Ports of a container', () => {
  /** Serves one connection on 8080, and ends. */
  const command = ['sh', '-c', 'echo hello | nc -l -p 8080'];
  const post = async (app: BuiltApp, fields: Record<string, unknown>): Promise<void> => {
    const options = { docker: { image: await testImage(), ports: { 0: 8080, '127.0.0.1:0': '53/udp' } } };
    const payload = { runtime_kind: 'docker', command, options, ...fields };
    const response = await app.app.inject({ method: 'POST', url: '/invocations', payload });
    expect(response.statusCode, response.body).toBe(202);
  };
  const portsOf = (event: { type: string; data?: unknown }): Record<string, string> | null => {
    const data = event.data as { type?: string; ports?: Record<string, string> } | undefined;
    return event.type === 'progress' && data?.type === 'ports' ? (data.ports ?? null) : null;
  };
  /** What is said the n-th time. */
  const told = async (app: BuiltApp, id: string, n = 1): Promise<Record<string, string>> => {
    let left = n;
    for await (const events of app.engine.log(id).read({ after: 0, follow: true }))
      for (const event of events) {
        const ports = portsOf(event.entry);
        if (ports && --left === 0) return ports;
      }
    throw new Error('it ended and told no ports');
  };
  /** What the program says at the place that was told. */
  const call = async (place = ''): Promise<string> => {
    const socket = connect(Number(place.split(':')[1]), place.split(':')[0]);
    return text(socket);
  };

  test('those that the engine chose are told while it runs, and in the result', async () => {
    const app = await buildApp({ config: { DOCKER_HOST } });
    const id = `ports-${randomUUID()}`;
    try {
      await post(app, { invocation_id: id });
      const ports = await told(app, id);
      expect(Object.keys(ports).sort()).toEqual(['53/udp', '8080/tcp']);
      for (const place of Object.values(ports)) expect(place).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
      expect(await call(ports['8080/tcp'])).toBe('hello\n');
      await app.engine.waitFinished(id, 50_000);
      const record = app.engine.record(id);
      expect(record).toMatchObject({
        status: 'succeeded',
        result: {
          metadata: {
            'docker.port.8080/tcp': ports['8080/tcp'],
            'docker.port.53/udp': ports['53/udp'],
          },
        },
      });
      await expectRxpDocuments(app, id);
    } finally {
      await app.end();
    }
  });

  test.each([
    ['they are told once, also by a server that comes back, whatever the id', false],
    ['they are told by the next server where the first one cannot have come to it', true],
  ])('%s', async (_, forgotten) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'runwire-test-'));
    const id = `a/b 😀=${randomUUID()}`;
    try {
      const first = await buildApp({ dataDir, config: { DOCKER_HOST } });
      await post(first, { invocation_id: id });
      const ports = await told(first, id);
      await first.close('leave');
      expect(containersOf(id)).toHaveLength(1);
      const kept = join(first.engine.directory(id).root, 'container.json');
      const { ports: known, ...record } = JSON.parse(readFileSync(kept, 'utf8')) as Record<string, unknown>;
      expect(known).toEqual(ports);
      if (forgotten) writeFileSync(kept, JSON.stringify(record));
      const tellings = forgotten ? ['first', 'second'] : ['first'];
      const second = await buildApp({ dataDir, config: { DOCKER_HOST } });
      try {
        expect(await told(second, id, tellings.length)).toEqual(ports);
        expect(await call(ports['8080/tcp'])).toBe('hello\n');
        await second.engine.waitFinished(id, 50_000);
        const ended: RunRecord = second.engine.record(id);
        expect(ended).toMatchObject({
          status: 'succeeded',
          result: { metadata: { 'docker.port.8080/tcp': ports['8080/tcp'] } },
        });
        expect((await eventsOf(second, ended)).map(portsOf).filter((each) => each !== null)).toEqual(
          tellings.map(() => ports),
        );
        expect(containersOf(id)).toEqual([]);
      } finally {
        await second.end();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  test('a container without ports tells of none', async () => {
    const app = await buildApp({ config: { DOCKER_HOST } });
    try {
      const options = { docker: { image: await testImage() } };
      const record = await app.run({ runtime_kind: 'docker', command: ['true'], options });
      expect((await eventsOf(app, record)).filter(portsOf)).toEqual([]);
      expect(
        Object.keys(record.result?.metadata ?? {}).filter((key) => key.startsWith('docker.port')),
      ).toEqual([]);
    } finally {
      await app.end();
    }
  });
});
