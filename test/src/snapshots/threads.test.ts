import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { RunwireError } from '../../../src/documents/errors.ts';
import { NoDirectory } from '../../../src/files/walk.ts';
import { carried, thrown } from '../../../src/snapshots/carried.ts';
import { Threads } from '../../../src/snapshots/threads.ts';
import { NOTHING_PRIVATE } from '../../helpers/tree-room.ts';

const ODD = pathToFileURL(join(import.meta.dirname, '../../fixtures/odd-thread.ts'));
const job = (root: string) => ({ root, index: null, seen: NOTHING_PRIVATE });
const odd = (): Threads => new Threads({ dataDir: '/nowhere', fsync: false }, ODD);

test('a thread that ends rejects its job, and the next job has a new one', async () => {
  const threads = odd();
  const { files: first } = await threads.run('count', job('/'));
  await expect(threads.run('count', job('/exit'))).rejects.toThrow('ended in the midst of it (exit code 7)');
  await expect(threads.run('count', job('/throw'))).rejects.toMatchObject({
    message: expect.stringContaining('ended in the midst of it'),
    cause: expect.objectContaining({ message: 'a defect of the thread' }),
  });
  const { files: next } = await threads.run('count', job('/'));
  expect(next).not.toBe(first);
  await threads.close();
});

test('more jobs than threads wait, and go on when one of those that work crashes', async () => {
  const threads = odd();
  const roots = ['/', '/exit', '/', '/throw', '/', '/exit', '/', '/'];
  const settled = await Promise.allSettled(roots.map((root) => threads.run('count', job(root))));
  expect(settled.map(({ status }) => status)).toEqual(
    roots.map((root) => (root === '/' ? 'fulfilled' : 'rejected')),
  );
  await threads.close();
});

test('a job that is no plain data is refused, and its thread works on', async () => {
  const threads = odd();
  const bad = { ...job('/'), root: (() => {}) as unknown as string };
  await expect(threads.run('count', bad)).rejects.toThrow('could not be cloned');
  await threads.run('count', job('/'));
  await threads.close();
});

test('errors come over with their kind, code and words', () => {
  const field = new RunwireError('invalid_field', 'words', { errors: [{ path: 'a.0', message: 'm' }] });
  expect(thrown(structuredClone(carried(field)))).toEqual(field);
  const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  expect(thrown(structuredClone(carried(full)))).toMatchObject({
    ...{ code: 'insufficient_storage', retryAfterSeconds: 10 },
    message: 'the disk of the server is full (ENOSPC)',
  });
  expect(thrown(structuredClone(carried(new NoDirectory('none'))))).toBeInstanceOf(NoDirectory);
  const system = Object.assign(new Error('ENOTDIR: x'), { code: 'ENOTDIR' });
  expect(thrown(structuredClone(carried(system)))).toMatchObject({ message: 'ENOTDIR: x', code: 'ENOTDIR' });
});
