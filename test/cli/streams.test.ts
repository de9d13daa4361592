import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { runwire } from '../helpers/command-line.ts';

describe('The standard streams of runwire', () => {
  const server = clientServer();
  const start = (words: string[], stdin?: string | Buffer) =>
    runwire(words, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN }, stdin);

  test('go on waiting for who reads them, also for the other programs that have them', async () => {
    const going = start(['run', '--', 'sh', '-c', 'echo ready; sleep 600']);
    await expect.poll(() => going.stdout().toString()).toBe('ready\n');
    const flagsOf = (fd: number): number => {
      const [, octal = ''] =
        /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/${going.child.pid}/fdinfo/${fd}`, 'utf8')) ?? [];
      return Number.parseInt(octal, 8);
    };
    const O_NONBLOCK = 0o4000;
    expect([flagsOf(1) & O_NONBLOCK, flagsOf(2) & O_NONBLOCK]).toEqual([0, 0]);
    going.child.kill('SIGINT');
    await going.ended;
  });
});
