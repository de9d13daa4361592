import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { runwire } from '../helpers/command-line.ts';
import { cuttingProxy } from '../helpers/cutting-proxy.ts';
import { startServer } from '../helpers/server-process.ts';

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A proxy whose first connections, so many of them, fall silent after so many bytes of an answer; nothing is reset. */
async function stallingProxy(to: string, connections: number, afterBytes: number) {
  let stalled = 0;
  const open: Socket[] = [];
  const server = createServer((client) => {
    const target = connect(Number(new URL(to).port), '127.0.0.1');
    open.push(client, target);
    for (const socket of open) socket.on('error', () => {});
    client.pipe(target);
    let came = 0;
    target.on('data', (part) => {
      came += part.length;
      if (stalled < connections && came > afterBytes) {
        stalled++;
        target.pause();
        client.write((part as Buffer).subarray(0, 1000));
        client.write = () => true; // nothing more is said
      } else client.write(part);
    });
    target.on('end', () => client.end());
    client.on('close', () => target.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get stalled() {
      return stalled;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}

describe('runwire run behind a proxy', () => {
  const server = clientServer();

  test('that cuts every connection has each byte once, and the exit code', async () => {
    await using proxy = await cuttingProxy(server.url, 400);
    const script = `for n in 1 2 3 4 5 6; do head -c 10000000 /dev/urandom | tee -a all; sleep 0.4; done; echo >&2 end; sha256sum < all >&2; exit 9`;
    const run = runwire(['run', '--', 'bash', '-c', script], {
      RUNWIRE_URL: proxy.url,
      RUNWIRE_TOKEN: TOKEN,
    });
    expect(await run.ended).toBe(9);
    expect(run.stdout()).toHaveLength(60_000_000);
    expect(run.stderr()).toContain(`end\n${hash(run.stdout())}  -\n`);
    expect(proxy.cuts).toBeGreaterThan(2);
  });

  test('that cuts it while standard input is sent has the program cancelled rather than fed with a part', async () => {
    await using proxy = await cuttingProxy(server.url, 300);
    const run = runwire(
      ['run', '--', 'sh', '-c', 'cat >/dev/null; echo all of it'],
      {
        ...{ RUNWIRE_URL: proxy.url, RUNWIRE_TOKEN: TOKEN },
      },
      Buffer.alloc(400e6),
    );
    expect(await run.ended).toBe(125);
    expect(run.stderr()).toContain(
      'standard input was sent; how much came is not known: the run is cancelled',
    );
    expect(run.stdout().toString()).toBe('');
  });

  test('that falls silent goes on over another connection', { timeout: 120_000 }, async () => {
    await using proxy = await stallingProxy(server.url, 1, 1_000_000);
    const run = runwire(['run', '--', 'head', '-c', '20000000', '/dev/zero'], {
      ...{ RUNWIRE_URL: proxy.url, RUNWIRE_TOKEN: TOKEN },
    });
    expect(await run.ended).toBe(0);
    expect(run.stdout().equals(Buffer.alloc(20_000_000))).toBe(true);
    expect(proxy.stalled).toBe(1);
  });
});

test('a server that is killed between the start and the first byte is waited for', async () => {
  const place = mkdtempSync(join(tmpdir(), 'runwire-cli-'));
  let server = await startServer(join(place, 'data'));
  try {
    const script = `touch ${place}/on; while [ ! -e ${place}/go ]; do sleep 0.1; done; echo one; exit 4`;
    const run = runwire(['run', '--', 'sh', '-c', script], { RUNWIRE_URL: server.address });
    await expect.poll(() => existsSync(join(place, 'on'))).toBe(true);
    await server.stop('SIGKILL');
    await expect.poll(() => run.stderr()).toContain('the server is not reached: trying again\n');
    writeFileSync(join(place, 'go'), '');
    server = await startServer(join(place, 'data'), { RUNWIRE_PORT: new URL(server.address).port });
    expect(await run.ended).toBe(4);
    expect(run.stdout().toString()).toBe('one\n');
    expect(run.stderr()).toContain('the server is back\n');
  } finally {
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  }
});
