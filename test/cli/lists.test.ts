import { describe, expect, onTestFinished, test } from 'vitest';
import { clientServer, sh, TOKEN } from '../helpers/client-server.ts';
import { runwire, type Started } from '../helpers/command-line.ts';
import { json, scriptedServer } from '../helpers/scripted-server.ts';

const server = clientServer();
const start = (words: string[], variables = {}) => {
  const started = runwire(words, { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN, ...variables });
  onTestFinished(() => void started.child.kill());
  return started;
};
const lines = (run: Started): string[] => run.stdout().toString().trimEnd().split('\n');
const running = async () => {
  const run = await server.rw.submit(sh('sleep 600'));
  await expect.poll(async () => (await run.refresh()).status).toBe('running');
  return run;
};
const asJson = async (words: string[]) => {
  const run = start([...words, '-o', 'json']);
  expect(await run.ended, run.stderr()).toBe(0);
  return JSON.parse(run.stdout().toString());
};

describe('runwire ls --watch, in a pipe', () => {
  test('has a line for what there is and for each change, and goes on until Ctrl-C', async () => {
    const metadata = { watched: 'in-a-pipe' };
    const old = await server.rw.run({ ...sh('exit 3'), metadata });
    const watching = start(['ls', '--watch', '-l', 'watched=in-a-pipe']);
    const id = old.invocation.invocation_id;
    const before = `${id}\tfailed (3)\tsubprocess\tsh -c 'exit 3'`;
    await expect.poll(() => lines(watching)).toEqual([before]);
    const run = await server.rw.submit({ ...sh('sleep 600'), metadata });
    await expect.poll(() => lines(watching).at(-1)).toMatch(new RegExp(`^${run.id}\trunning\t`));
    await run.cancel({ graceSeconds: 0 });
    await expect.poll(() => lines(watching).at(-1)).toMatch(new RegExp(`^${run.id}\tcancelled\t`));
    watching.child.kill('SIGINT');
    expect(await watching.ended).toBe('SIGINT');
    expect(lines(watching)[0]).toBe(before);
    expect(watching.stderr()).toBe('');
  });

  test('tells of a run that ends when it is not among those any more, and of records as JSON', async () => {
    const run = await running();
    const watching = start(['ps', '--watch', '-o', 'jsonl']);
    const seen = () =>
      lines(watching)
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
    const told = () => seen().filter(({ invocation }) => invocation.invocation_id === run.id);
    await expect.poll(() => told().map(({ status }) => status)).toEqual(['running']);
    await run.cancel({ graceSeconds: 0 });
    await expect.poll(() => told().map(({ status }) => status)).toEqual(['running', 'cancelled']);
    watching.child.kill('SIGINT');
    await watching.ended;
  });

  test('refuses JSON that would have no end, and a server that was never there', async () => {
    const endless = start(['ls', '--watch', '-o', 'json']);
    expect(await endless.ended).toBe(2);
    const stranger = start(['ls', '--watch'], { RUNWIRE_URL: 'http://127.0.0.1:9' });
    expect(await stranger.ended).toBe(125);
  });
});

describe('What the server has', () => {
  test('is in top once, in a pipe', async () => {
    const run = await running();
    const top = start(['top']);
    expect(await top.ended).toBe(0);
    expect(lines(top)[0]).toMatch(
      /^programs 1 of \d+ · calls 0 of \d+ · waiting 0 · server .*MB, lag .* · disk .* free$/,
    );
    expect(lines(top)[3]).toMatch(new RegExp(`^${run.id} .*running`));
    await run.cancel({ graceSeconds: 0 });
  });

  test('is in df: runs, workspaces, snapshots, assets, the disk', async () => {
    const workspace = await server.rw.workspaces.create();
    await workspace.put('a-file', 'x'.repeat(1000));
    await workspace.snapshot();
    await server.rw.assets.put('an-asset', 'y'.repeat(2000));
    const parts = await asJson(['df']);
    expect(parts.map(({ what }: { what: string }) => what)).toEqual([
      ...['runs', 'workspaces', 'snapshots', 'assets', 'disk'],
    ]);
    const [runs, workspaces, snapshots, assets, disk] = parts;
    expect(runs.count).toBeGreaterThan(0);
    expect([workspaces, snapshots, assets]).toEqual([
      { what: 'workspaces', count: 1, bytes: 1000, limit: null },
      { what: 'snapshots', count: 1, bytes: 1000, limit: null },
      { what: 'assets', count: 1, bytes: 2000, limit: null },
    ]);
    expect(disk.bytes).toBeLessThan(disk.limit);
  });

  test('is in runtime list: its kinds, and why one is not available', async () => {
    const kinds = await server.rw.runtimes();
    const list = start(['runtime', 'list', '-q']);
    expect(await list.ended).toBe(0);
    expect(lines(list)).toEqual(kinds.map(({ kind }) => kind));
    const table = start(['runtime', 'ls']);
    await table.ended;
    const { description = '' } = kinds.find(({ kind }) => kind === 'subprocess') ?? {};
    expect(lines(table)[1]).toBe(`subprocess  yes        ${description}`);
  });
});

describe('runwire prune', () => {
  const finished = async (script: string, team: string) =>
    (await server.rw.run({ ...sh(script), metadata: { team } })).invocation.invocation_id;

  test('removes what is asked for and nothing else, and first says what that is', async () => {
    const [good, bad, other] = [
      await finished('true', 'pruned'),
      await finished('false', 'pruned'),
      await finished('false', 'kept'),
    ];
    const unfinished = await server.rw.submit({ ...sh('sleep 600'), metadata: { team: 'pruned' } });
    const dry = start(['prune', '-l', 'team=pruned', '--dry-run', '-q']);
    expect(await dry.ended).toBe(0);
    expect(lines(dry).toSorted()).toEqual([good, bad].toSorted());
    const young = start(['prune', '-l', 'team=pruned', '--older-than', '1h', '--yes']);
    expect(await young.ended).toBe(0);
    expect(young.stderr()).toBe('runwire: there is nothing to remove\n');
    const failed = start(['prune', '-l', 'team=pruned', '--status', 'failed', '--yes']);
    expect(await failed.ended).toBe(0);
    expect(failed.stderr()).toBe('runwire: 1 finished run is removed\n');
    await expect(server.rw.attach(bad).refresh()).rejects.toMatchObject({ code: 'invocation_removed' });
    for (const id of [good, other]) await server.rw.attach(id).refresh();
    await unfinished.cancel({ graceSeconds: 0 });
  });

  test('takes ages by the clock of the server, whatever that of here says', async () => {
    const now = Date.now() + 48 * 3_600_000;
    const record = (id: string, hours: number) => ({
      invocation: { invocation_id: id, metadata: {} },
      finished_at: new Date(now - hours * 3_600_000).toISOString(),
    });
    const items = [record('young', 1), record('old', 3)];
    const headers = { date: new Date(now).toUTCString() };
    await using other = await scriptedServer(json({ items, next_cursor: null }, 200, headers));
    const words = ['prune', '--older-than', '2h', '--status', 'failed', '--dry-run', '-q'];
    const prune = start(words, { RUNWIRE_URL: other.url });
    expect(await prune.ended).toBe(0);
    expect(lines(prune)).toEqual(['old']);
  });

  test('needs to be told which, and --yes where nobody can be asked', async () => {
    const which = start(['prune', '--yes']);
    expect(await which.ended).toBe(2);
    expect(which.stderr()).toContain('--older-than');
    const id = await finished('true', 'asked');
    const unasked = start(['prune', '--all']);
    expect(await unasked.ended).toBe(2);
    expect(unasked.stderr()).toContain('--yes');
    await server.rw.attach(id).refresh();
  });

  test('leaves a run that is needed, and says so', async () => {
    const session = await server.rw.sessions.create({ runtime_kind: 'subprocess', environment: { A: 'b' } });
    await session.ready();
    const setup = session.record?.setup_invocation_id ?? '';
    const prune = start(['prune', '--all', '--yes']);
    expect(await prune.ended).toBe(125);
    expect(prune.stderr()).toContain(`${setup} stays: `);
    await server.rw.attach(setup).refresh();
  });
});

test('runwire logs --grep has the lines alone that match, of both streams, the last of them, with their times', async () => {
  const run = await server.rw.submit(sh('seq 20; echo Error 1 >&2; echo error 12'));
  await run.wait();
  const grep = async (...words: string[]) => {
    const logs = start(['logs', ...words, run.id]);
    expect(await logs.ended).toBe(0);
    return [logs.stdout().toString(), logs.stderr()];
  };
  expect(await grep('--grep', '^1\\d?$', '--stdout', '-n', '3')).toEqual(['17\n18\n19\n', '']);
  expect(await grep('--grep', 'error')).toEqual(['error 12\n', '']);
  expect(await grep('--grep', 'error', '--ignore-case')).toEqual(['error 12\n', 'Error 1\n']);
  expect((await grep('--grep', 'error 12', '-t'))[0]).toMatch(/^\d{4}-\S+Z error 12\n$/);
  const wrong = start(['logs', '--grep', '(', run.id]);
  expect(await wrong.ended).toBe(2);
});

test('A table has colours in a pipe where FORCE_COLOR says so, and no control characters of others', async () => {
  const { invocation } = await server.rw.run({ ...sh('true'), runtime_name: '\u001b[2J' });
  const plain = start(['ls', '-n', '1']);
  await plain.ended;
  expect(lines(plain)[1]).toMatch(new RegExp(`^${invocation.invocation_id}  \\\\u001b\\[2J`));
  expect(plain.stdout().includes(0x1b)).toBe(false);
  const forced = start(['ls', '-n', '1'], { FORCE_COLOR: '1' });
  await forced.ended;
  expect(forced.stdout().toString()).toContain('\x1b[32msucceeded\x1b[39m');
});

test('ls -q has all of a long list, over pages', async () => {
  const made = await Promise.all(
    Array.from({ length: 120 }, () => server.rw.run({ ...sh('true'), runtime_name: 'long-list' })),
  );
  const list = start(['ls', '-q', '-n', '1000', '--name', 'long-list']);
  expect(await list.ended).toBe(0);
  const ids = made.map(({ invocation }) => invocation.invocation_id);
  expect(lines(list).toSorted()).toEqual(ids.toSorted());
});
