import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BuiltApp, buildApp } from '../helpers/build-app.ts';
import { requires } from '../helpers/require.ts';

requires(
  'linux',
  'root',
  'immutable',
)('Files that cannot be deleted', () => {
  let server: BuiltApp;
  let work: string;

  beforeEach(async () => {
    server = await buildApp();
    const { invocation } = await server.run({
      runtime_kind: 'subprocess',
      invocation_id: 'a',
      command: ['sh', '-c', 'echo kept; echo kept > fixed; echo free > free'],
      metadata: { note: 'the same as before' },
    });
    work = invocation.working_directory;
  });
  afterEach(async () => {
    for (const name of ['runs', 'discarded'].map((name) => join(server.dataDir, name)))
      if (existsSync(name)) execFileSync('chattr', ['-R', '-i', name]);
    await server.end();
  });
  const remove = () => server.app.inject({ method: 'DELETE', url: '/invocations/a' });
  const get = (path = '') => server.app.inject(`/invocations/a${path}`);

  test('keep the record of their run, and the next deletion takes both', async () => {
    const before = (await get()).body;
    execFileSync('chattr', ['+i', join(work, 'fixed')]);
    const failed = await remove();
    expect(failed.statusCode).toBe(500);
    expect(failed.headers['content-type']).toContain('application/problem+json');
    expect(failed.body).not.toContain(server.dataDir);
    expect((await get()).body).toBe(before);
    expect((await server.app.inject('/invocations')).json()).toMatchObject({
      items: [{ status: 'succeeded' }],
    });
    expect(readFileSync(join(work, 'fixed'), 'utf8')).toBe('kept\n');
    const again = { runtime_kind: 'subprocess', invocation_id: 'a', command: ['other'] };
    expect(
      (await server.app.inject({ method: 'POST', url: '/invocations', payload: again })).statusCode,
    ).toBe(409);

    execFileSync('chattr', ['-i', join(work, 'fixed')]);
    expect((await remove()).statusCode).toBe(204);
    expect((await get()).statusCode).toBe(410);
    expect(existsSync(work)).toBe(false);
    expect(readdirSync(join(server.dataDir, 'discarded'))).toEqual([]);
  });

  test('in a directory that cannot be moved, nothing is touched', async () => {
    execFileSync('chattr', ['+i', join(work, '..')]);
    expect((await remove()).statusCode).toBe(500);
    expect((await get('/stdout')).body).toBe('kept\n');
    expect((await get('/events?follow=false')).body).toContain('"kept\\n"');
    expect(readFileSync(join(work, 'free'), 'utf8')).toBe('free\n');
  });
});
