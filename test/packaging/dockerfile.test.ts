import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');

interface Instruction {
  name: string;
  value: string;
}

/** The instructions of the last stage, and of all stages, with continued lines joined. */
const all: Instruction[] = text('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => ({ name: line.split(' ', 1)[0] ?? '', value: line.slice(line.indexOf(' ') + 1).trim() }));
const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
const values = (name: string, from = last) =>
  from.filter((each) => each.name === name).map(({ value }) => value);

/** What is copied from the checkout, not from another stage. */
const copied = values('COPY', all)
  .filter((value) => !value.startsWith('--from'))
  .flatMap((value) => value.split(' ').slice(0, -1));

describe('The Dockerfile', () => {
  test('copies what exists and what .dockerignore lets through', () => {
    const allowed = text('.dockerignore').match(/(?<=^!).+$/gm) ?? [];
    for (const source of copied) {
      expect(existsSync(join(root, source)), source).toBe(true);
      expect(allowed).toContain(source);
    }
    expect(copied).toEqual(
      expect.arrayContaining(['client', 'mcp', 'src', 'routes', 'runners', 'package-lock.json']),
    );
  });

  test('lets nothing of the checkout in that it does not name', () => {
    expect(text('.dockerignore')).toMatch(/^\*$/m);
  });

  test('installs production dependencies from the lock file', () => {
    expect(values('RUN', all).join('\n')).toContain('npm ci --omit=dev');
  });

  test('has the Node that the tests run on', () => {
    const { devDependencies } = JSON.parse(text('package.json')) as { devDependencies: { node: string } };
    const major = /\d+/.exec(devDependencies.node)?.[0];
    for (const image of values('FROM', all)) expect(image).toMatch(new RegExp(`^node:${major}-`));
  });

  test('runs as a user who is not root, under an init, and says when it is well', () => {
    expect(values('USER').at(-1)).toMatch(/^(?!root|0)\w+$/);
    expect(values('ENTRYPOINT').at(-1)).toContain('tini');
    expect(values('HEALTHCHECK').at(-1)).toContain('/healthz');
  });

  test('keeps its data in the volume and exposes the port it listens on', () => {
    const environment = values('ENV').join(' ');
    expect(environment).toContain(`RUNWIRE_DATA_DIR=${values('VOLUME').at(-1)}`);
    expect(environment).toContain(`RUNWIRE_PORT=${values('EXPOSE').at(-1)}`);
    expect(environment).not.toContain('TOKEN');
  });
});
