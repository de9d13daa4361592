import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DOCKER_HOST, testImage } from '../helpers/docker/image.ts';
import { requires } from '../helpers/require.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

const SCRIPT = fileURLToPath(new URL('../../examples/session.sh', import.meta.url));
const TOKEN = 'token-of-the-server';

requires('curl')('examples/session.sh', () => {
  let place: string;
  let server: ServerProcess;
  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'runwire-example-'));
    server = await startServer(place, {
      RUNWIRE_TOKEN: TOKEN,
      ...(DOCKER_HOST !== '' && { DOCKER_HOST }),
    });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  });

  const start = (more: Record<string, string> = {}, program = [SCRIPT]) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) =>
      execFile(
        'sh',
        program,
        { env: { PATH: process.env.PATH, RUNWIRE_URL: server.address, RUNWIRE_TOKEN: TOKEN, ...more } },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
      ),
    );
  const get = async (path: string): Promise<{ items: object[] }> => {
    const answer = await fetch(`${server.address}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
    return (await answer.json()) as { items: object[] };
  };
  const expectNothingLeft = async (): Promise<void> => {
    for (const name of ['workspaces', 'snapshots', 'environment-specs'])
      expect((await get(`/${name}`)).items, name).toEqual([]);
    for (const session of (await get('/sessions')).items)
      expect(session).toMatchObject({ state: 'closed', trouble: null });
  };

  const expectWorks = async (more: Record<string, string> = {}): Promise<void> => {
    const before = (await get('/invocations')).items.length;
    const { code, stdout, stderr } = await start(more);
    expect([code, stderr], stdout).toEqual([0, '']);
    const parts = stdout.split('== ');
    expect(parts.map((part) => part.split(/[:\n]/)[0])).toEqual([
      ...['', 'ready', 'look', 'read', 'write', 'try', 'peek', 'changes', 'evaluate', 'done'],
    ]);
    expect(parts[2]).toMatch(/\ninput.txt\n$/);
    expect(parts[5]).toMatch(/\n3\n$/);
    expect(parts[6]).toMatch(/\nnothing is hidden here\n$/);
    expect(parts[7]).toContain('+++ b/work/count.sh\n');
    expect(parts[7]).toContain('new file mode 100755');
    expect(parts[8]).toMatch(/\nit counts\n$/);
    const { items } = await get('/invocations');
    const agents = items
      .slice(0, items.length - before)
      .filter((one) => !JSON.stringify(one).includes('-evaluate"'));
    expect(agents).toHaveLength(6);
    for (const one of agents) expect(JSON.stringify(one)).not.toContain('answer');
    await expectNothingLeft();
  };

  test('prepares once, works in it, and is evaluated by what the agent did not see', () => expectWorks());

  requires('docker')('of kind docker', () => {
    test('does the same in one container', async () => {
      await expectWorks({ RUNWIRE_EXAMPLE_KIND: 'docker', RUNWIRE_EXAMPLE_IMAGE: await testImage() });
    });
  });

  test('exits as what failed, and leaves nothing', async () => {
    const faulty = `s='wc -w'; sed "s/$s/wc -l/" "$1" > "$2"; sh "$2"`;
    const { code, stdout, stderr } = await start({}, ['-c', faulty, 'sh', SCRIPT, join(place, 'faulty.sh')]);
    expect([code, stdout]).toEqual([1, expect.stringContaining('== evaluate')]);
    expect(stdout).not.toContain('\nit counts\n');
    expect(stderr).toContain('evaluate failed: {');
    await expectNothingLeft();
  });

  test('says what it is not made for', async () => {
    expect(await start({ RUNWIRE_EXAMPLE_KIND: 'http' })).toEqual({
      ...{ code: 2, stdout: '', stderr: 'RUNWIRE_EXAMPLE_KIND: subprocess or docker, not http\n' },
    });
  });
});
