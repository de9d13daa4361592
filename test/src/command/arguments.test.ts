import { describe, expect, test } from 'vitest';
import { inWordsOfFlags, readArguments, withFlags } from '../../../src/command/arguments.ts';

const read = (...words: string[]) => readArguments(words, '1.2.3');

describe('The words of the command line', () => {
  test('none of them, or serve, ask for a server without flags', () => {
    expect(read()).toEqual({ what: 'serve', variables: {} });
    expect(read('serve')).toEqual({ what: 'serve', variables: {} });
  });

  test('flags stand for variables, with a space or with =', () => {
    expect(read('--port', '8080', '--host=::1', 'serve', '--data-dir', 'a b', '--token-file', 't')).toEqual({
      what: 'serve',
      variables: {
        RUNWIRE_PORT: '8080',
        RUNWIRE_HOST: '::1',
        RUNWIRE_DATA_DIR: 'a b',
        RUNWIRE_TOKEN_FILE: 't',
      },
    });
  });

  test.each([
    [['--prot', '8080'], '--prot is not a flag'],
    [['-p', '8080'], '-p is not a flag'],
    [['--port'], '--port needs a value'],
    [['--port='], '--port needs a value'],
    [['--data-dir', '--port', '1'], '--data-dir needs a value'],
    [['--port', '1', '--port', '2'], '--port is given twice'],
    [['--help=yes'], '--help takes no value'],
    [['start'], '"start" is not a command'],
    [['serve', '8080'], '"8080" is not a command'],
    [['--token', 'x'], '--token is not a flag'],
  ])('%j is refused in one line', (words, line) => {
    expect(read(...words)).toEqual({ what: 'refuse', line: `runwire: ${line}: --help lists what there is` });
  });

  test.each([['--help'], ['-h'], ['help'], ['serve --help'], ['--port 1 -h']])(
    '%s prints the help, which names every flag and where the variables are',
    (words) => {
      const asked = read(...words.split(' '));
      expect(asked).toMatchObject({ what: 'print' });
      for (const word of ['--host', '--port', '--data-dir', '--token-file', 'docs/configuration.md'])
        expect(asked).toHaveProperty('text', expect.stringContaining(word));
    },
  );

  test.each(['--version', '-v', 'version'])('%s prints the version alone', (word) => {
    expect(read(word)).toEqual({ what: 'print', text: '1.2.3\n' });
  });
});

test('A flag beats its variable, and the file of a token the token itself', () => {
  const environment = { RUNWIRE_PORT: '1', RUNWIRE_TOKEN: 'abc', PATH: '/bin' };
  expect(withFlags(environment, { RUNWIRE_PORT: '2' })).toEqual({ ...environment, RUNWIRE_PORT: '2' });
  expect(withFlags(environment, { RUNWIRE_TOKEN_FILE: 't' })).toEqual({
    ...environment,
    RUNWIRE_TOKEN_FILE: 't',
    RUNWIRE_TOKEN: undefined,
  });
});

test('What is wrong with the value of a flag is said of the flag, not of a variable', () => {
  const line = 'RUNWIRE_PORT="a" must be a whole number';
  expect(inWordsOfFlags(line, { RUNWIRE_PORT: 'a' })).toBe('--port="a" must be a whole number');
  expect(inWordsOfFlags(line, { RUNWIRE_HOST: 'a' })).toBe(line);
});
