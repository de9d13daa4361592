import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pathBeforeNpm } from '../../../src/run/path-before-npm.ts';
import { baseEnvironment } from '../../../src/run/process-environment.ts';

const BINS = '/srv/app/node_modules/.bin:/srv/node_modules/.bin:/node_modules/.bin';
const NPM = { npm_lifecycle_event: 'start', npm_package_json: '/srv/app/package.json' };

test.each([
  [`${BINS}:/npm/lib/node-gyp-bin:/usr/bin:/bin`, '/usr/bin:/bin'],
  [`${BINS}:/usr/bin:/bin`, '/usr/bin:/bin'],
  [`${BINS}:/npm/lib/node-gyp-bin:${BINS}:/npm/lib/node-gyp-bin:/usr/bin`, '/usr/bin'],
  // It was there before.
  [
    `${BINS}:/npm/lib/node-gyp-bin:/srv/app/node_modules/.bin:/usr/bin`,
    '/srv/app/node_modules/.bin:/usr/bin',
  ],
  ['/srv/app/node_modules/.bin:/usr/bin', '/srv/app/node_modules/.bin:/usr/bin'],
  [`${BINS}:/npm/lib/node-gyp-bin`, undefined],
  ['', ''],
  [undefined, undefined],
])('of %s, as npm made it, %s is the server’s', (path, own) => {
  expect(pathBeforeNpm({ ...NPM, PATH: path })).toBe(own);
  expect(pathBeforeNpm({ PATH: path })).toBe(path);
});

test('a program of a server that npm started has the PATH that npm was started with, and no variable of npm', () => {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'runwire-npm-path-')));
  const directory = join(place, 'a', 'b');
  mkdirSync(directory, { recursive: true });
  const script = `${JSON.stringify(process.execPath)} -p 'JSON.stringify(process.env)'`;
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ scripts: { start: script, again: 'npm start -s' } }),
  );
  try {
    for (const name of ['start', 'again']) {
      const told = execFileSync('npm', ['run', '-s', name], { cwd: directory, encoding: 'utf8' });
      const server = JSON.parse(told) as Record<string, string>;
      expect(server.PATH).toContain(join(directory, 'node_modules', '.bin'));
      const given = baseEnvironment(server, []);
      expect(given.PATH).toBe(process.env.PATH);
      expect(Object.keys(given).filter((one) => /^npm_|^INIT_CWD$|^NODE$/.test(one))).toEqual([]);
    }
  } finally {
    rmSync(place, { recursive: true });
  }
});
