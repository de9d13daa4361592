import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Run, type RuntimeEvent, Runwire } from '../../../client/runwire.ts';
import { type CuttingProxy, cuttingProxy } from '../../helpers/cutting-proxy.ts';
import { recoveringServer } from '../recovering.ts';

const CUT_MS = 200;
/** What a hang needs; the wait for it is never asserted. */
const LONG = 170_000;
const server = recoveringServer();

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const program = (script: string, options: object = {}) => ({
  runtime_kind: 'subprocess',
  command: ['sh', '-c', script, `${server().dataDir}/go`],
  options,
});

/** Bytes that were read, and their hash. */
async function read(parts: AsyncIterable<Uint8Array>): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of parts) {
    hash.update(part);
    bytes += part.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function* bytesOf(events: AsyncIterable<RuntimeEvent>, stream: 'stdout' | 'stderr') {
  let seq = 0;
  for await (const event of events) {
    expect(event.seq).toBe(++seq);
    if (event.type === stream)
      yield Buffer.from(event.text ?? event.base64 ?? '', event.text === undefined ? 'base64' : 'utf8');
  }
}

/** The server is killed and comes back, behind the same address. */
async function restart(proxy: CuttingProxy): Promise<void> {
  await server().restart(300);
  proxy.to = Number(new URL(server().url).port);
}

test(
  'every reader has every byte of 50 MB once, through a proxy that cuts each connection and a server that is killed',
  async () => {
    await using proxy = await cuttingProxy(server().url, CUT_MS);
    const rw = new Runwire({ url: proxy.url, retrySeconds: 150 });
    const some = 'head -c 25000000 /dev/urandom; yes out | head -c 100000; yes err | head -c 100000 >&2';
    const run = await rw.submit(program(`${some}; while [ ! -e "$0" ]; do sleep 0.05; done; ${some}`));
    const reading = Promise.all([
      read(run.output({ stream: 'stdout' })),
      read(run.output({ stream: 'stderr' })),
      read(run.output()),
      read(bytesOf(run.events(), 'stdout')),
      read(bytesOf(run.events(), 'stderr')),
      run.wait({ check: true }),
    ]);
    await expect.poll(() => proxy.cuts, { timeout: LONG }).toBeGreaterThan(10);
    await restart(proxy);
    await restart(proxy);
    writeFileSync(`${server().dataDir}/go`, '');
    const [stdout, stderr, both, outEvents, errEvents, { outcome }] = await reading;
    expect(stdout).toEqual({ bytes: 50_200_000, sha256: outcome.stdout?.sha256 });
    expect(stderr).toEqual({ bytes: 200_000, sha256: outcome.stderr?.sha256 });
    expect([outEvents, errEvents]).toEqual([stdout, stderr]);
    const joined = Buffer.from(
      await (await fetch(`${server().url}/invocations/${run.id}/output`)).arrayBuffer(),
    );
    expect(both).toEqual({ bytes: 50_400_000, sha256: hashOf(joined) });
    // Once more, now that it has finished: the other way of the server.
    expect(await read(run.output())).toEqual(both);
    expect(await read(run.artifact('stdout'))).toEqual(stdout);
    const [artifact] = await run.artifacts();
    expect(hashOf(readFileSync(artifact?.path ?? ''))).toBe(stdout.sha256);
  },
  LONG,
);

test(
  'runs that are submitted while connections break and the server is killed are made once each',
  async () => {
    await using proxy = await cuttingProxy(server().url, CUT_MS);
    const rw = new Runwire({ url: proxy.url, retrySeconds: 150 });
    const submitted: Promise<Run>[] = [];
    for (let n = 0; n < 40; n++) {
      submitted.push(rw.submit({ runtime_kind: 'subprocess', command: ['sh', '-c', `echo ${n}`] }));
      if (n === 20) await restart(proxy);
    }
    const runs = await Promise.all(submitted);
    const texts = await Promise.all(runs.map((run) => run.text()));
    expect(texts).toEqual(runs.map((_, n) => `${n}\n`));
    expect(await rw.list({ limit: 7 }).toArray()).toHaveLength(40);
  },
  LONG,
);

test(
  'files go in and out through a proxy that cuts each connection',
  async () => {
    await using proxy = await cuttingProxy(server().url, 2000);
    const rw = new Runwire({ url: proxy.url, retrySeconds: 150 });
    const workspace = await rw.workspaces.create();
    const bytes = Buffer.alloc(2_000_000, 'a file of some length, and not of zeros ');
    await workspace.put('large', bytes);
    await workspace.push([{ path: 'tree/a', body: bytes }]);
    for (const path of ['large', 'tree/a'])
      expect(await read(workspace.file(path))).toEqual({ bytes: bytes.length, sha256: hashOf(bytes) });
    const snapshot = await workspace.snapshot();
    await workspace.put('more', 'x');
    expect((await workspace.diff(snapshot.id)).files.map(({ path }) => path)).toEqual(['more']);
    await workspace.remove();
    await snapshot.remove();
  },
  LONG,
);
