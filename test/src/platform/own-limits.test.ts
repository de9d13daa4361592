import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownLimit } from '../../../src/platform/own-limits.ts';
import { requires } from '../../helpers/require.ts';

test('a limit that this system does not know is none', () => {
  expect(ownLimit('Max patience')).toEqual({
    soft: Number.POSITIVE_INFINITY,
    hard: Number.POSITIVE_INFINITY,
  });
});

requires('linux', 'prlimit')('The limits of a process', () => {
  test('are told, the soft one and the hard one, or that there is none', () => {
    const module = join(import.meta.dirname, '../../../src/platform/own-limits.ts');
    const told = (flag: string, line: string): unknown => {
      const ask = `import { ownLimit } from ${JSON.stringify(module)}; const { soft, hard } = ownLimit('${line}'); console.log(String([soft, hard]))`;
      const argv = [flag, process.execPath, '--input-type=module', '-e', ask];
      return execFileSync('prlimit', argv, { encoding: 'utf8', stdio: 'pipe' }).trim();
    };
    expect(told('--fsize=1000000:2000000', 'Max file size')).toBe('1000000,2000000');
    expect(told('--cpu=1000:unlimited', 'Max cpu time')).toBe('1000,Infinity');
  });
});
