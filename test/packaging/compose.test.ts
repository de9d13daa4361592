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
  env_file: { path: string; required: boolean }[];
  secrets: string[];
  ports: string[];
  volumes: string[];
  healthcheck: { test: string[] };
}
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as {
  services: { runwire: Service };
  volumes: Record<string, unknown>;
  secrets: { runwire_token: { file: string } };
};
const { runwire } = compose.services;

describe('The compose file', () => {
  test('takes the token from a file that stays readable to who made it, and passes every variable of a file on', () => {
    expect(runwire.environment.RUNWIRE_TOKEN_FILE).toBe('/run/secrets/runwire_token');
    expect(runwire.environment).not.toHaveProperty('RUNWIRE_TOKEN');
    expect(runwire.secrets).toEqual(['runwire_token']);
    expect(compose.secrets.runwire_token.file).toMatch(/^\$\{RUNWIRE_TOKEN_PATH:-.\/token\}$/);
    expect(runwire.env_file).toEqual([{ path: expect.stringMatching(/:-\.env\}$/), required: false }]);
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
    expect(runwire.healthcheck.test.join(' ')).toContain('/readyz');
  });
});

requires('compose')('docker compose', () => {
  test('accepts the file', () => {
    const { status, stderr } = spawnSync('docker', ['compose', 'config'], { cwd: root, encoding: 'utf8' });
    expect({ status, stderr }).toMatchObject({ status: 0 });
  });
});
