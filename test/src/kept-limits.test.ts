import { mkdtempDisposableSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { buildApp } from '../helpers/build-app.ts';

/** What a server on this data directory logs at its start, and the bounds in its metrics. */
async function startOn(dataDir: string, config: Record<string, string> = {}) {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const app = await buildApp({ dataDir, config, log: pino(sink) });
  try {
    const kept = await app.run({ runtime_kind: 'unknown' });
    const text = (await app.app.inject('/metrics')).body;
    const number = (name: string) => new RegExp(`^runwire_${name} (\\S+)$`, 'm').exec(text)?.[1];
    return {
      kept: kept.invocation.invocation_id,
      runs: number('retention_limit_runs'),
      bytes: number('retention_limit_bytes'),
      seconds: number('retention_limit_seconds'),
      output: number('output_limit_bytes'),
      finished: number('finished_runs'),
      disk: number('disk_size_bytes'),
      said: lines.filter(({ msg }) => String(msg).includes('finished runs are')),
    };
  } finally {
    await app.end();
  }
}

test('a new data directory bounds its finished runs, at every start, and says by what', async () => {
  using home = mkdtempDisposableSync(join(tmpdir(), 'runwire-limits-'));
  const { blocks, bsize } = statfsSync(home.path);
  for (const finished of ['1', '2']) {
    const { said, kept: _, ...numbers } = await startOn(home.path);
    const bytes = Math.floor((blocks * bsize) / 4);
    expect(numbers).toEqual({
      ...{ runs: '100000', bytes: String(bytes), seconds: '+Inf', output: String(2 ** 30), finished },
      disk: String(blocks * bsize),
    });
    expect(said).toEqual([
      expect.objectContaining({
        level: 30,
        ...{ runs: 100_000, bytes, seconds: null, output_bytes: 2 ** 30 },
        msg: 'finished runs are kept within these limits',
      }),
    ]);
  }
});

test('one that an earlier release made keeps its runs for ever, as it did, until somebody bounds them', async () => {
  using home = mkdtempDisposableSync(join(tmpdir(), 'runwire-limits-'));
  await startOn(home.path);
  rmSync(join(home.path, 'made-with.json'));
  const old = await startOn(home.path);
  expect(old).toMatchObject({ runs: '+Inf', bytes: '+Inf', seconds: '+Inf', finished: '2' });
  expect(old.said.map(({ msg }) => msg)).toEqual([
    'finished runs are kept for ever, and nothing bounds them',
  ]);
  const set = await startOn(home.path, { RUNWIRE_RETENTION_SECONDS: '1000' });
  expect(set).toMatchObject({ runs: '+Inf', bytes: '+Inf', seconds: '1000', finished: '3' });
});

test('the word none takes a default away', async () => {
  using home = mkdtempDisposableSync(join(tmpdir(), 'runwire-limits-'));
  const none = { RUNWIRE_RETENTION_COUNT: 'none', RUNWIRE_RETENTION_BYTES: 'none' };
  expect(await startOn(home.path, none)).toMatchObject({ runs: '+Inf', bytes: '+Inf' });
  expect(await startOn(home.path)).toMatchObject({ runs: '100000' });
});

test('a damaged note removes nothing, and is told', async () => {
  using home = mkdtempDisposableSync(join(tmpdir(), 'runwire-limits-'));
  await startOn(home.path);
  writeFileSync(join(home.path, 'made-with.json'), '{"defau');
  const { runs, said } = await startOn(home.path);
  expect(runs).toBe('+Inf');
  expect(said.map(({ level }) => level)).toEqual([40, 30]);
});
