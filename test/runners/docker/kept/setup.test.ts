import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerServer, stderr, stdout } from '../../../helpers/docker/server.ts';
import { requires } from '../../../helpers/require.ts';

requires('docker')('A run with a setup', () => {
  let docker: DockerServer;
  beforeAll(async () => {
    docker = await DockerServer.on();
  });
  afterAll(() => docker?.end());

  test('does it before its command, in the same container, and tells each apart', async () => {
    const record = await docker.shell(
      'cat /tmp/made; echo $WHO; echo err >&2; exit 3',
      {},
      {
        environment: { WHO: 'me' },
        options: {
          setup: {
            commands: ['echo one; echo "$WHO 1" >/tmp/made', ['sh', '-c', 'echo two; echo oops >&2']],
          },
        },
      },
    );
    expect(record, JSON.stringify(record.result)).toMatchObject({
      status: 'failed',
      result: { exit_code: 3, error_summary: 'exited with code 3' },
      outcome: {
        ended: 'exited',
        setup: [
          { command: ['sh', '-c', 'echo one; echo "$WHO 1" >/tmp/made'], exit_code: 0, signal: null },
          { exit_code: 0 },
        ],
      },
    });
    expect(stdout(record).toString()).toBe('me 1\nme\n');
    expect(stderr(record).toString()).toBe('err\n');
    const { timings, usage, setup_stdout, setup_stderr } = record.outcome ?? {};
    expect([setup_stdout?.bytes, setup_stderr?.bytes]).toEqual([8, 5]);
    expect(Object.keys(timings ?? {}).sort()).toEqual(
      ['collect_ms', 'drain_ms', 'first_byte_ms', 'queue_ms', 'run_ms', 'setup_ms', 'spawn_ms'].filter(
        (name) => name !== 'collect_ms' || timings?.collect_ms !== undefined,
      ),
    );
    expect(usage?.max_rss_bytes).toBeGreaterThan(0);
    docker.nothingLeft(record);
  });
});
