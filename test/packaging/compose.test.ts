import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { requires } from '../helpers/require.ts';

const root = resolve(import.meta.dirname, '../..');

interface Service {
  build: string;
  init: boolean;
  environment: Record<string, string>;
  ports: string[];
  volumes: string[];
  healthcheck: { test: string[] };
}
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as {
  services: { runwire: Service };
  volumes: Record<string, unknown>;
};
const { runwire } = compose.services;

describe('The compose file', () => {
  test('takes the token from the environment and says so when there is none', () => {
    expect(runwire.environment.RUNWIRE_TOKEN).toMatch(/^\$\{RUNWIRE_TOKEN:\?.+\}$/);
  });

  test('publishes on loopback only', () => {
    expect(runwire.ports.length).toBeGreaterThan(0);
    for (const port of runwire.ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('keeps the data of the image in a named volume', () => {
    const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
    const path = /^VOLUME (\S+)$/m.exec(dockerfile)?.[1];
    const [name, target] = runwire.volumes[0]?.split(':') ?? [];
    expect(target).toBe(path);
    expect(Object.keys(compose.volumes)).toContain(name);
  });

  test('has an init and a health check', () => {
    expect(runwire.init).toBe(true);
    expect(runwire.healthcheck.test.join(' ')).toContain('/healthz');
  });
});

requires('compose')('docker compose', () => {
  const config = (token: Record<string, string>) => {
    const { RUNWIRE_TOKEN: _, ...env } = process.env;
    return spawnSync('docker', ['compose', 'config'], {
      cwd: root,
      env: { ...env, ...token },
      encoding: 'utf8',
    });
  };

  test('accepts the file with a token', () => {
    expect(config({ RUNWIRE_TOKEN: 'secret' })).toMatchObject({ status: 0 });
  });

  test('refuses it without one and says what to do', () => {
    const { status, stderr } = config({});
    expect(status).not.toBe(0);
    expect(stderr).toContain('openssl rand');
  });
});
