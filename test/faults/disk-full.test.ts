import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Record as RunRecord } from '../../src/documents/record.ts';
import { CrashingServer } from '../helpers/crashing-server.ts';
import { own } from '../helpers/own-id.ts';
import { supervisorOf } from '../helpers/processes.ts';
import { requires } from '../helpers/require.ts';
import { parseEvents } from '../helpers/run-events.ts';
import { expectInvariants, processesOf } from './invariants.ts';
import { SmallDisk } from './small-disk.ts';

const MIB = 1024 * 1024;

requires(
  'linux',
  'root',
  'mount',
)('A disk that fills up', () => {
  let disk: SmallDisk;
  let server: CrashingServer;
  /** On another disk. */
  let outside: string;
  let count = 0;
  let id: string;

  beforeAll(async () => {
    disk = new SmallDisk(8 * MIB);
    server = new CrashingServer({ RUNWIRE_HTTP_ALLOW: '127.0.0.1' }, disk.path);
    outside = mkdtempSync(join(tmpdir(), 'runwire-outside-'));
    await server.start();
  });
  afterAll(async () => {
    disk.clear();
    await server.end();
    disk[Symbol.dispose]();
    rmSync(outside, { recursive: true, force: true });
  });
  beforeEach(async () => {
    id = own(`run-${count++}`);
    await roomForRuns();
  });
  afterEach(() => disk.clear());

  const get = (path: string): Promise<Response> => fetch(`${server.url}${path}`);
  const record = async (wait = 0): Promise<RunRecord> =>
    (await get(`/invocations/${id}?wait=${wait}`)).json() as Promise<RunRecord>;
  const remove = (path = `/invocations/${id}`): Promise<Response> =>
    fetch(`${server.url}${path}`, { method: 'DELETE' });
  /** A script in a directory outside of the full disk. */
  const sh = (script: string, more: object = {}) => ({
    runtime_kind: 'subprocess',
    invocation_id: id,
    working_directory: outside,
    command: ['sh', '-c', script],
    ...more,
  });
  const accepted = async (invocation: object): Promise<void> => {
    const response = await server.post('/invocations', invocation);
    expect(response.status, await response.text()).toBe(202);
  };
  /** Nothing that the database is about to write is left to be written. */
  const carried = (): Promise<void> =>
    expect.poll(() => statSync(join(server.dataDir, 'runwire.db-redo')).size).toBe(0);
  const roomForRuns = (): Promise<void> =>
    expect.poll(async () => (await get('/readyz')).status, { timeout: 20_000 }).toBe(200);
  const said = (text: string): Promise<void> =>
    expect.poll(async () => (await get(`/invocations/${id}/stdout`)).text()).toContain(text);
  const gate = (): string => join(outside, `gate-${id}`);
  const gated = `echo up; while [ ! -e gate-$RUNWIRE_INVOCATION_ID ]; do sleep 0.05; done`;

  test('a program whose output does not fit runs to its end, and its run fails, saying what is missing and why', async () => {
    disk.fill(2 * MIB);
    const all = 'x'.repeat(4_000_000);
    await accepted(
      sh(`head -c ${all.length} /dev/zero | tr '\\0' x; touch over-$RUNWIRE_INVOCATION_ID; exit 3`),
    );
    await expect.poll(() => existsSync(join(outside, `over-${id}`)), { timeout: 20_000 }).toBe(true);
    disk.clear();
    const final = await expectInvariants({ url: server.url, id, wrote: { stdout: all } });
    const { result, outcome } = final.record;
    expect(result).toMatchObject({ status: 'failed', exit_code: 3 });
    expect(result.error_summary).toContain('the disk of the server is full (ENOSPC)');
    expect(outcome).toMatchObject({ ended: 'exited', kill: null, stdout: { bytes: all.length } });
    const gaps = parseEvents(final.lines.join('\n')).filter(({ type }) => type === 'gap');
    expect(gaps).toMatchObject([{ stream: 'stdout', reason: 'storage', offset: outcome.stdout?.kept }]);
    expect((await remove()).status).toBe(204);
  });

  test('many small writes fill the journal first: the same holds, and a program that ended well has failed', async () => {
    disk.fill(1.5 * MIB);
    const script = `
      const { writeFileSync, writeSync } = await import('node:fs');
      for (let i = 0; i < 4000; i++) writeSync(1 + (i % 2), '.'.repeat(1300));
      writeFileSync('over-' + process.env.RUNWIRE_INVOCATION_ID, '');`;
    const command = [process.execPath, '--input-type=module', '-e', script];
    await accepted({ ...sh(''), command });
    await expect.poll(() => existsSync(join(outside, `over-${id}`)), { timeout: 30_000 }).toBe(true);
    disk.clear();
    const half = '.'.repeat(1300 * 2000);
    const wrote = { stdout: half, stderr: half };
    const { record } = await expectInvariants({ url: server.url, id, wrote });
    expect(record).toMatchObject({ status: 'failed', result: { exit_code: 0 }, outcome: { kill: null } });
    expect(record.result.error_summary).toContain('the disk of the server is full');
    expect((await remove()).status).toBe(204);
  });

  test('an answer that does not fit is read to its end, and its run fails although the answer was well', async () => {
    const all = Buffer.alloc(12 * MIB, 'y');
    const backend = createServer((_request, response) => response.end(all));
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const answered = new Promise<void>((resolve) =>
      backend.on('request', (_request, response) => response.on('finish', resolve)),
    );
    const { port } = backend.address() as AddressInfo;
    disk.fill(1.5 * MIB);
    const http = { url: `http://127.0.0.1:${port}/` };
    await accepted({ runtime_kind: 'http', invocation_id: id, options: { http } });
    await answered;
    disk.clear();
    const { record } = await expectInvariants({ url: server.url, id, wrote: { stdout: all } });
    expect(record).toMatchObject({
      status: 'failed',
      result: { exit_code: 200 },
      outcome: { ended: 'responded' },
    });
    expect(record.result.error_summary).toContain('the disk of the server is full (ENOSPC)');
    backend.close();
    expect((await remove()).status).toBe(204);
  });

  test('new runs are refused until there is space, while what runs goes on, streams flow and histories are read', async () => {
    const old = id;
    await server.post('/invocations?wait=20', sh('echo kept'));
    id = own(`run-${count++}`);
    await accepted(sh(`${gated}; echo down`));
    await said('up');
    const stream = get(`/invocations/${id}/events`).then((response) => response.text());
    await carried();
    disk.fill();

    const refused = sh(`touch ran-refused`, { invocation_id: own('refused') });
    const answer = await server.post('/invocations', refused);
    expect(answer.status).toBe(507);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answer.json()).toMatchObject({ code: 'insufficient_storage', status: 507 });
    expect((await get(`/invocations/${own('refused')}`)).status).toBe(404);
    await expect.poll(async () => (await get('/readyz')).status).toBe(503);
    expect(await (await get('/readyz')).json()).toMatchObject({
      ready: false,
      reason: expect.stringContaining('disk'),
    });
    expect((await get('/healthz')).status).toBe(200);
    expect(await (await get(`/invocations/${old}/stdout`)).text()).toBe('kept\n');
    expect((await get(`/invocations?limit=5`)).status).toBe(200);

    writeFileSync(gate(), '');
    await expect.poll(() => processesOf(id)).toEqual([]);
    disk.clear();
    expect((await stream).match(/^event: finished$/gm)).toHaveLength(1);
    await expectInvariants({ url: server.url, id, wrote: { stdout: 'up\ndown\n' } });
    await roomForRuns();
    expect(existsSync(join(outside, 'ran-refused'))).toBe(false);
    expect((await server.post('/invocations?wait=20', refused)).status).toBe(200);
    expect(existsSync(join(outside, 'ran-refused'))).toBe(true);
  });

  test('a result that cannot be stored waits for space, and is the true one then', async () => {
    await accepted(sh(`${gated}; exit 7`));
    await said('up');
    await carried();
    disk.fill();
    writeFileSync(gate(), '');
    await expect.poll(() => processesOf(id)).toEqual([]);
    expect((await record(2)).status).toBe('running');
    disk.clear();
    expect(await record(20)).toMatchObject({ status: 'failed', result: { exit_code: 7 } });
    await expectInvariants({ url: server.url, id, wrote: { stdout: 'up\n' } });
  });

  test('an exit that no server heard of and no disk could take is kept until both are back', async () => {
    // It says nothing, so that it has no file with room left in it.
    await accepted(sh(`touch up-$RUNWIRE_INVOCATION_ID; { ${gated}; } >/dev/null; exit 7`));
    await expect.poll(() => existsSync(join(outside, `up-${id}`))).toBe(true);
    await carried();
    await server.crash();
    disk.fill();
    const keeper = supervisorOf(server.dataDir);
    writeFileSync(gate(), '');
    await expect.poll(() => processesOf(id)).toEqual([]);
    // It looks every 5 s whether it is still needed.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    expect(supervisorOf(server.dataDir)).toBe(keeper);
    await server.start();
    expect((await get('/healthz')).status).toBe(200);
    disk.clear();
    const { record } = await expectInvariants({ url: server.url, id, wrote: { stdout: '' } });
    expect(record).toMatchObject({ status: 'failed', result: { exit_code: 7 } });
  });

  test('artifacts for which there is no room are left out, said to be, and keep no room from others', async () => {
    const made = mkdtempSync(join(outside, 'made-'));
    for (const name of ['a-large', 'b-small', 'c-large', 'd-small'])
      writeFileSync(join(made, name), Buffer.alloc(name.endsWith('large') ? 6 * MIB : 300_000, name));
    disk.fill(2 * MIB);
    const invocation = sh('exit 0', { artifact_directory: made });
    const finished = (await (await server.post('/invocations?wait=30', invocation)).json()) as RunRecord;
    expect(finished).toMatchObject({ status: 'succeeded', result: { exit_code: 0 } });
    expect(finished.result?.error_summary).toContain('the disk of the server is full');
    expect(finished.outcome?.omitted.map(({ path }) => path.slice(made.length + 1)).sort()).toEqual([
      'a-large',
      'c-large',
    ]);
    expect(finished.result?.artifacts.slice(2).map(({ artifact_id }) => artifact_id)).toEqual([
      'b-small',
      'd-small',
    ]);
    disk.clear();
    await expectInvariants({ url: server.url, id });
    expect(readdirSync(join(server.dataDir, 'runs', id, 'artifacts')).sort()).toEqual(['b-small', 'd-small']);
  });

  test('an output for which there is no room fails its run by name, and keeps no room from others', async () => {
    const made = mkdtempSync(join(outside, 'outputs-'));
    mkdirSync(join(made, 'tree'));
    for (const name of ['large', 'tree/large', 'small'])
      writeFileSync(join(made, name), Buffer.alloc(name.endsWith('large') ? 6 * MIB : 300_000, name));
    disk.fill(2 * MIB);
    const outputs = ['large', 'tree', 'small'].map((path) => ({ id: path, path }));
    const invocation = sh('exit 0', { working_directory: made, options: { outputs } });
    const finished = (await (await server.post('/invocations?wait=30', invocation)).json()) as RunRecord;
    expect(finished).toMatchObject({
      status: 'failed',
      result: { exit_code: 0 },
      outcome: { failure: { reason: 'output_missing' } },
    });
    const why = 'no space left to keep a copy';
    expect(finished.result?.error_summary).toContain(
      `missing outputs: large (large: ${why}), tree (tree: ${why}); artifacts could not be kept: the disk of the server is full`,
    );
    expect(finished.result?.artifacts.slice(2).map(({ artifact_id }) => artifact_id)).toEqual(['small']);
    disk.clear();
    await expectInvariants({ url: server.url, id });
    expect(readdirSync(join(server.dataDir, 'runs', id, 'artifacts'))).toEqual(['small']);
  });

  test('an input for which there is no room has its run not begun, and may be tried again', async () => {
    const made = mkdtempSync(join(outside, 'inputs-'));
    writeFileSync(join(made, 'large'), Buffer.alloc(3 * MIB, 'x'));
    const maker = own('maker');
    const outputs = [{ id: 'large', path: 'large' }];
    const first = sh('exit 0', { invocation_id: maker, working_directory: made, options: { outputs } });
    expect(((await (await server.post('/invocations?wait=30', first)).json()) as RunRecord).status).toBe(
      'succeeded',
    );
    disk.fill(2 * MIB);
    const inputs = [{ id: 'large', artifact: { invocation_id: maker, artifact_id: 'large' } }];
    const invocation = sh('echo begun', { options: { inputs } });
    const finished = (await (await server.post('/invocations?wait=30', invocation)).json()) as RunRecord;
    expect(finished).toMatchObject({
      status: 'failed',
      result: {
        error_summary: 'what it is given cannot be put in place: the disk of the server is full (ENOSPC)',
      },
      outcome: { ended: 'never_started', started: false, retry_safe: true, failure: { reason: 'shortage' } },
    });
    expect(readdirSync(join(server.dataDir, 'runs', id)).filter((name) => name.startsWith('given'))).toEqual(
      [],
    );
    disk.clear();
    await remove(`/invocations/${maker}`);
  });

  test('a result file that does not fit is said to be missing, and nothing of it is left', async () => {
    using full = new SmallDisk(256 * 1024);
    full.fill();
    const place = join(full.path, 'results');
    mkdirSync(place);
    const invocation = sh('exit 0', { output_result_path: join(place, 'result.json') });
    const finished = (await (await server.post('/invocations?wait=20', invocation)).json()) as RunRecord;
    expect(finished.status).toBe('succeeded');
    expect(finished.result?.error_summary).toMatch(/output_result_path cannot be written: .*no space left/);
    expect(readdirSync(place)).toEqual([]);
  });

  test('a worker is told that its report or file was not taken, sends it again, and nothing is lost or there twice', async () => {
    await accepted({ runtime_kind: 'manual', invocation_id: id });
    const claimed = (await (await server.post('/manual/claims', {})).json()) as { claim: { token: string } };
    const headers = { authorization: `Bearer ${claimed.claim.token}` };
    const at = `${server.url}/invocations/${id}`;
    const report = (text: string, offset: number): Promise<Response> =>
      fetch(`${at}/events`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify([{ type: 'stdout', text, offset }]),
      });
    const upload = (bytes: number): Promise<Response> =>
      fetch(`${at}/artifacts/file`, { method: 'PUT', headers, body: Buffer.alloc(bytes, 'f') });
    const first = 'one '.repeat(100);
    const second = 'two '.repeat(20_000);
    expect((await report(first, 0)).status).toBe(200);
    await carried();
    disk.fill();
    const refused = await report(second, first.length);
    expect([refused.status, (await refused.json()) as object]).toMatchObject([
      507,
      { code: 'insufficient_storage', detail: expect.stringContaining('the disk of the server is full') },
    ]);
    expect((await upload(200_000)).status).toBe(507);
    disk.clear();
    expect((await report(second, first.length)).status).toBe(200);
    expect((await upload(200_000)).status).toBe(200);
    const completion = { method: 'POST', body: '{"status":"succeeded"}' };
    const done = await fetch(`${at}/completion`, {
      ...completion,
      headers: { ...headers, 'content-type': 'application/json' },
    });
    expect(done.status).toBe(200);
    const { record } = await expectInvariants({ url: server.url, id, wrote: { stdout: first + second } });
    expect(record.status).toBe('succeeded');
    expect(
      readdirSync(join(server.dataDir, 'runs', id)).filter((name) => name.startsWith('upload-')),
    ).toEqual([]);
  });

  test('with not a byte free, runs can be deleted, also those that have no files, and that makes room', async () => {
    const small = own(`run-${count++}`);
    await server.post('/invocations?wait=20', sh('head -c 1500000 /dev/zero'));
    await server.post('/invocations?wait=20', sh('exit 0', { invocation_id: small }));
    await carried();
    disk.fill();
    await expect.poll(async () => (await get('/readyz')).status).toBe(503);
    for (const path of [`/invocations/${small}`, `/invocations/${id}`]) {
      const answer = await remove(path);
      expect(answer.status, await answer.text()).toBe(204);
      expect((await get(path)).status).toBe(410);
    }
    expect(disk.free).toBeGreaterThan(MIB);
    await roomForRuns();
    expect(
      (await server.post('/invocations?wait=20', sh('exit 0', { invocation_id: own('after') }))).status,
    ).toBe(200);
    await server.crash();
    await server.start();
    for (const gone of [small, id]) expect((await get(`/invocations/${gone}`)).status).toBe(410);
  });
});
