import { expect, test } from 'vitest';
import { baseEnvironment } from '../../../src/run/process-environment.ts';

test('of the server a program gets the usual names, LC_*, and what is passed through', () => {
  const server = {
    PATH: '/bin',
    HOME: '/home/x',
    USER: 'x',
    LANG: 'C',
    LC_TIME: 'C',
    TZ: 'UTC',
    TMPDIR: '/tmp',
    SHELL: '/bin/sh',
    EXTRA: '1',
    AWS_SECRET_ACCESS_KEY: 'no',
    RUNWIRE_DATA_DIR: 'no',
    NODE_OPTIONS: 'no',
    EMPTY: undefined,
  };
  expect(baseEnvironment(server, ['EXTRA', 'EMPTY', 'ABSENT'])).toEqual({
    PATH: '/bin',
    HOME: '/home/x',
    USER: 'x',
    LANG: 'C',
    LC_TIME: 'C',
    TZ: 'UTC',
    TMPDIR: '/tmp',
    SHELL: '/bin/sh',
    EXTRA: '1',
  });
});

test('the token of the server is passed to nobody', () => {
  expect(baseEnvironment({ RUNWIRE_TOKEN: 'secret' }, ['RUNWIRE_TOKEN'])).toEqual({});
});
