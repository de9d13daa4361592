import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { artifactFile, type RunDirectory } from '../../../src/disk/run-directory.ts';
import { RuntimeEvent } from '../../../src/documents/event.ts';
import { buildEngine } from '../../helpers/build-engine.ts';
import { exited, scripted } from '../../helpers/fake-runner.ts';
import { expectRxpDocuments } from '../../helpers/rxp.ts';

const RUN = { runtime_kind: 'scripted' };
const WORKED = scripted(async ({ output }) => {
  output.write('stdout', Buffer.from('getting '), 'setup');
  output.write('stderr', Buffer.from([0xe2]), 'setup');
  output.write('stdout', Buffer.from('ready'), 'setup');
  output.complete('setup');
  output.write('stdout', Buffer.from('done'));
  return exited();
});

test('a runner that writes both phases leaves four captures, in events, artifacts and RxP documents', async () => {
  await using server = buildEngine({ runners: [WORKED] });
  const { invocation, result, outcome } = await server.run(RUN);
  const id = invocation.invocation_id;
  await expectRxpDocuments(server, id);
  expect(result?.artifacts.map(({ artifact_id }) => artifact_id)).toEqual([
    ...['stdout', 'stderr', 'setup_stdout', 'setup_stderr'],
  ]);
  expect(result?.stderr_path).toBe(join(server.dataDir, 'empty'));
  expect(outcome).toMatchObject({
    stdout: { bytes: 4, kept: 4 },
    stderr: { bytes: 0, kept: 0 },
    setup_stdout: { bytes: 13, kept: 13 },
    setup_stderr: { bytes: 1, kept: 1 },
  });
  expect(server.store.finishedTotals()).toEqual({ count: 1, bytes: 18 });

  const events = await server.events(id);
  for (const event of events) expect(() => RuntimeEvent.parse(event)).not.toThrow();
  for (let after = 1; after < events.length; after++)
    expect(await server.events(id, after)).toEqual(events.slice(after));

  for (const name of ['setup_stdout', 'setup_stderr', 'stdout', 'stderr'] as const) {
    const url = `/invocations/${id}/artifacts/${name}`;
    const whole = await server.get(url);
    expect([whole.statusCode, whole.rawPayload.length]).toEqual([200, outcome?.[name]?.kept]);
    expect(whole.headers.etag).toBe(`"${outcome?.[name]?.sha256}"`);
    const head = await server.request({ method: 'HEAD', url });
    expect(head.headers).toMatchObject({
      etag: whole.headers.etag,
      'content-length': String(outcome?.[name]?.kept),
    });
    expect((await server.get(url, { 'if-none-match': String(whole.headers.etag) })).statusCode).toBe(304);
    const stream = await server.get(
      `/invocations/${id}/${name.replace('setup_', '')}?phase=${name.startsWith('setup') ? 'setup' : 'command'}`,
    );
    expect(stream.rawPayload.equals(whole.rawPayload)).toBe(true);
    expect(stream.headers.etag).toBe(whole.headers.etag);
  }
});

test('who waits for text gets what the command wrote, and nothing of the setup', async () => {
  await using server = buildEngine({ runners: [WORKED] });
  const { body } = await server.post(RUN, { accept: 'text/plain' });
  expect(body).toBe('done');
});

test('a run that an earlier server left in the middle of both phases goes on in both', async () => {
  const half = Buffer.from('€');
  const { promise: written, resolve } = Promise.withResolvers<void>();
  const first = buildEngine({
    runners: [
      scripted(async ({ output, signal }) => {
        output.write('stdout', half.subarray(0, 2), 'setup');
        output.write('stdout', half.subarray(0, 1));
        resolve();
        await new Promise((stop) => signal.addEventListener('abort', stop));
        return exited();
      }),
    ],
  });
  const { invocation } = (await first.post(RUN)).json();
  await written;
  const recovers = scripted(async () => exited(), {
    recover: async ({ resumeOutput, output }) => {
      await resumeOutput();
      expect([output.captured('stdout', 'setup').bytes, output.captured('stdout').bytes]).toEqual([2, 1]);
      output.write('stdout', half.subarray(1));
      output.write('stdout', half.subarray(2), 'setup');
      return exited();
    },
  });
  await using second = buildEngine({ runners: [recovers], dataDir: await first.crash() });
  const id = invocation.invocation_id;
  await second.engine.waitFinished(id, 20_000);
  const text = async (path: string) => (await second.get(`/invocations/${id}/${path}`)).body;
  expect([await text('stdout'), await text('stdout?phase=setup')]).toEqual(['€', '€']);
  const told = (await second.events(id)).flatMap((event) =>
    event.type === 'stdout' ? [[event.phase, event.offset, event.text]] : [],
  );
  expect(told.toSorted()).toEqual([
    ['command', 0, '€'],
    ['setup', 0, '€'],
  ]);
});

test('an artifact that has the name of a capture of setup, in a record of an earlier release, is itself', async () => {
  const collects = scripted(async ({ directory }: { directory: RunDirectory }) => {
    mkdirSync(directory.artifacts, { recursive: true });
    writeFileSync(artifactFile(directory, 'setup_stdout'), 'a file');
    const artifact = {
      ...{ id: 'setup_stdout', path: '/work/setup_stdout', kind: 'file', description: 'setup_stdout' },
      ...{ sizeBytes: 6, mediaType: 'text/plain', modifiedAt: new Date(0).toISOString() },
      sha256: hash('sha256', 'a file'),
    };
    return { ...exited(), artifacts: [artifact] };
  });
  await using server = buildEngine({ runners: [collects] });
  const { invocation, outcome } = await server.run(RUN);
  expect(outcome).not.toHaveProperty('setup_stdout');
  const url = `/invocations/${invocation.invocation_id}/artifacts/setup_stdout`;
  expect([(await server.get(url)).statusCode, (await server.get(url)).body]).toEqual([200, 'a file']);
});
