import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { Proofs } from '../../../routes/answers/proofs.ts';

/** A file of some bytes, open, and how often it was read. */
async function opened(bytes: string) {
  const dir = mkdtempSync(join(tmpdir(), 'runwire-proofs-'));
  const path = join(dir, randomUUID());
  writeFileSync(path, bytes);
  const handle: FileHandle = await open(path);
  const read = vi.spyOn(handle, 'read');
  return {
    path,
    handle,
    kept: { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
    reads: () => read.mock.calls.length,
    async [Symbol.asyncDispose]() {
      await handle.close();
      rmSync(dir, { recursive: true });
    },
  };
}

test('a file that stays as it looks is hashed once, by all who ask at the same time together', async () => {
  await using file = await opened('bytes');
  const proofs = new Proofs(-10_000);
  const both = [proofs.hold(file.handle, file.kept), proofs.hold(file.handle, file.kept)];
  expect(await Promise.all(both)).toEqual([true, true]);
  const once = file.reads();
  expect(once).toBeGreaterThan(0);
  expect(await proofs.hold(file.handle, file.kept)).toBe(true);
  expect(file.reads()).toBe(once);
});

test('one that was only just written is hashed again: a second write may leave the same times', async () => {
  await using file = await opened('bytes');
  const proofs = new Proofs();
  await proofs.hold(file.handle, file.kept);
  const once = file.reads();
  await proofs.hold(file.handle, file.kept);
  expect(file.reads()).toBeGreaterThan(once);
});

test('what is known of a file ends with a write, also one that sets its times back', async () => {
  await using file = await opened('bytes');
  const proofs = new Proofs(-10_000);
  expect(await proofs.hold(file.handle, file.kept)).toBe(true);
  const { ctimeMs } = statSync(file.path);
  // A clock tick of the file system later.
  await vi.waitFor(() => {
    writeFileSync(file.path, 'BYTES');
    expect(statSync(file.path).ctimeMs).toBeGreaterThan(ctimeMs);
  });
  utimesSync(file.path, ctimeMs / 1000, ctimeMs / 1000);
  expect(await proofs.hold(file.handle, file.kept)).toBe(false);
  writeFileSync(file.path, 'bytes');
  expect(await proofs.hold(file.handle, file.kept)).toBe(true);
});
