import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DOCKER_HOST, testImage } from '../helpers/docker/image.ts';
import { requires } from '../helpers/require.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';

const SCRIPT = fileURLToPath(new URL('../../examples/artifacts.sh', import.meta.url));
const TOKEN = 'token-of-the-server';

requires('curl')('examples/artifacts.sh', () => {
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
  const expectNothingLeft = async (): Promise<void> => {
    for (const name of ['invocations', 'assets']) {
      const headers = { authorization: `Bearer ${TOKEN}` };
      const answer = await fetch(`${server.address}/${name}`, { headers });
      expect(((await answer.json()) as { items: object[] }).items, name).toEqual([]);
    }
  };
  const expectWorks = async (more: Record<string, string> = {}): Promise<void> => {
    const { code, stdout, stderr } = await start(more);
    expect([code, stderr], stdout).toEqual([0, '']);
    expect(stdout).toBe(
      [
        ...['== train', 'mean 4', '== report', '> Report of report', '> mean 4', '> {"rows": 3}'],
        ...['> curve: 12, at most 12.50', '== done', ''],
      ].join('\n'),
    );
    await expectNothingLeft();
  };

  test('hands over what one step made to the next by names alone', () => expectWorks());

  requires('docker')('of kind docker', () => {
    test('does the same, wherever the container sees it', async () => {
      await expectWorks({ RUNWIRE_EXAMPLE_KIND: 'docker', RUNWIRE_EXAMPLE_IMAGE: await testImage() });
    });
  });

  test('no request has a path of the server, nor of a container', () => {
    const text = readFileSync(SCRIPT, 'utf8').replace(/^#.*$/gm, '');
    expect(text).not.toMatch(/\/(inputs|static|workspace|work|tmp|runs)\b/);
    expect(text).not.toContain('RUNWIRE_ARTIFACT_DIR');
  });

  test('a step that leaves out what it declared fails by its name, and nothing is left', async () => {
    const faulty = `sed 's/>"$3"/>other.json/' "$1" > "$2"; sh "$2"`;
    const { code, stdout, stderr } = await start({}, ['-c', faulty, 'sh', SCRIPT, join(place, 'faulty.sh')]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('train failed: {');
    expect(stderr).toContain('missing outputs: metrics (metrics.json: does not exist)');
    await expectNothingLeft();
  });

  test('says what it is not made for', async () => {
    expect(await start({ RUNWIRE_EXAMPLE_KIND: 'http' })).toEqual({
      ...{ code: 2, stdout: '', stderr: 'RUNWIRE_EXAMPLE_KIND: subprocess or docker, not http\n' },
    });
  });
});
