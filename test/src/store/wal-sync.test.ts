import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvocationStore } from '../../../src/store/invocation-store.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runwire-wal-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function run(id: string) {
  return {
    id,
    status: 'pending' as const,
    runtimeKind: 'subprocess',
    runtimeName: 'subprocess',
    createdAt: 1,
    startedAt: null,
    fingerprint: null,
    idempotencyKey: null,
    invocation: 'x'.repeat(5000),
  };
}

/** Descriptors of this process on files of the directory. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(dir) ? [path] : [];
    } catch {
      return []; // the one that lists
    }
  });
}

test('a store that is synced in the background keeps all over many commits, a checkpoint and a reopening', async () => {
  const file = join(dir, 'a.db');
  const store = new InvocationStore(file);
  for (let turn = 0; turn < 300; turn++) {
    for (let n = 0; n < 20; n++) store.insert(run(`r${turn}.${n}`));
    await store.committed();
    if (turn % 50 === 0) await sleep(10);
  }
  store.close();
  expect(existsSync(`${file}-wal`)).toBe(false);
  const again = new InvocationStore(file);
  expect(again.get('r0.0')?.invocation).toHaveLength(5000);
  expect(again.get('r299.19')?.id).toBe('r299.19');
  again.close();
});

test.skipIf(!existsSync('/proc/self/fd'))(
  'closing leaves no descriptor, also in the middle of a sync',
  async () => {
    const store = new InvocationStore(join(dir, 'a.db'));
    store.insert(run('a'));
    await store.committed();
    await sleep(6);
    store.close();
    for (let n = 0; n < 100 && descriptors().length > 0; n++) await sleep(10);
    expect(descriptors()).toEqual([]);
  },
);
