import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newState, readState, writeState } from '../../../runners/manual/state.ts';
import { runDirectory } from '../../../src/disk/run-directory.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runwire-state-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const WRITTEN =
  `{"attempts":2,"tokens":[{"sha256":"${'ab'.repeat(32)}","attempt":1},{"sha256":"${'cd'.repeat(32)}","attempt":2}],"claim":{"worker":null,` +
  '"leaseSeconds":60,"leaseExpiresAt":1893456000000,"accepted":true,"reported":{"stdout":3,"stderr":0}},' +
  '"completion":{"sha256":"ef","body":{"status":"succeeded","of_a_later_release":true}}}';

test('what another release wrote is read, and kept as it was', () => {
  const directory = runDirectory(dataDir, 'a');
  expect(readState(directory)).toEqual(newState());
  writeState(directory, newState());
  writeFileSync(join(directory.root, 'claims.json'), WRITTEN);
  const state = readState(directory);
  expect(state).toMatchObject({ attempts: 2, claim: { accepted: true }, completion: { sha256: 'ef' } });
  writeState(directory, state);
  expect(readFileSync(join(directory.root, 'claims.json'), 'utf8')).toBe(WRITTEN);
});

test('claims that were written by something else are no claims', () => {
  const directory = runDirectory(dataDir, 'a');
  writeState(directory, newState());
  writeFileSync(join(directory.root, 'claims.json'), '{"attempts":"two"}');
  expect(() => readState(directory)).toThrow('claims.json is torn, or was written by something else');
});
