import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { keeperBinary } from '../../../../runners/docker/keeper/binary.ts';
import { findProgram } from '../../../helpers/require.ts';

const home = resolve(import.meta.dirname, '../../../../runners/docker/keeper');
const out = mkdtempSync(join(tmpdir(), 'runwire-keeper-build-'));
afterAll(() => rmSync(out, { recursive: true }));

const MACHINE = { amd64: 0x3e, arm64: 0xb7 };
const COMPILERS = { x64: 'x86_64-linux-gnu-gcc', arm64: 'aarch64-linux-gnu-gcc' };

test.each(Object.entries(MACHINE))(
  'the keeper for %s is a small static program for it',
  (architecture, machine) => {
    const binary = keeperBinary(architecture) ?? Buffer.alloc(0);
    expect(binary.subarray(0, 5).toString('latin1')).toBe('\x7fELF\x02');
    expect(binary.readUInt16LE(18)).toBe(machine);
    expect(binary.readUInt16LE(16)).toBe(2); // ET_EXEC: nothing is linked in at its start
    expect(binary.length).toBeLessThan(40_000);
  },
);

test.each(['386', 'arm', 's390x', 'toString', ''])('there is none for %j', (architecture) => {
  expect(keeperBinary(architecture)).toBeNull();
});

test.each(['keeper-x64', 'keeper-arm64'])('%s may be executed', (name) => {
  expect(statSync(join(home, name)).mode & 0o111).toBe(0o111);
});

describe.each(Object.entries(COMPILERS))('built anew for %s', (name, compiler) => {
  const absent = findProgram(compiler) === undefined ? `there is no ${compiler} in PATH` : undefined;
  const options = absent === undefined ? {} : { skip: true, meta: { absent } };

  test('without a warning, and the same bytes by the same compiler', options, () => {
    const { status, stderr } = spawnSync(join(home, 'build.sh'), [out], { encoding: 'utf8' });
    expect({ status, warnings: stderr.split('\n').filter((line) => /warning|error/.test(line)) }).toEqual({
      status: 0,
      warnings: [],
    });
    const lineOf = (file: string): string | undefined =>
      readFileSync(file, 'utf8')
        .split('\n')
        .find((line) => line.startsWith(`${name}:`));
    const built = readFileSync(join(out, `keeper-${name}`));
    expect(built.subarray(0, 20)).toEqual(readFileSync(join(home, `keeper-${name}`)).subarray(0, 20));
    if (lineOf(join(out, 'built-with')) === lineOf(join(home, 'built-with')))
      expect(built.equals(readFileSync(join(home, `keeper-${name}`)))).toBe(true);
  });
});
