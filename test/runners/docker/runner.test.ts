import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testImage } from '../../helpers/docker/image.ts';
import { DockerServer, stderr, stdout } from '../../helpers/docker/server.ts';
import { requires } from '../../helpers/require.ts';

requires('docker')('A run in a container', () => {
  let docker: DockerServer;
  beforeAll(async () => {
    docker = await DockerServer.on();
  });
  afterAll(() => docker?.end());

  test('a program runs in a container, its two streams apart, and its exit code is reported', async () => {
    const record = await docker.shell('echo out; echo err >&2; exit 3');
    expect(record).toMatchObject({
      status: 'failed',
      result: { exit_code: 3, error_summary: 'exited with code 3' },
      outcome: { ended: 'exited', started: true, retry_safe: false },
    });
    expect(stdout(record).toString()).toBe('out\n');
    expect(stderr(record).toString()).toBe('err\n');
    docker.nothingLeft(record);
  });

  test('the environment is what the invocation says and nothing of the server', async () => {
    const record = await docker.run(['env'], {}, { environment: { GREETING: 'hello world' } });
    const names = stdout(record)
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(names.sort()).toEqual(['GREETING', 'HOME', 'HOSTNAME', 'PATH', 'RUNWIRE_INVOCATION_ID']);
    expect(stdout(record).toString()).toContain('GREETING=hello world\n');
  });

  test('a program is nobody, without capabilities, new privileges or a network', async () => {
    const record = await docker.shell(
      'id -u; grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status; ls /sys/class/net; cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max',
    );
    expect(stdout(record).toString().replace(/\t/g, ' ')).toBe(
      '65534\nCapBnd: 0000000000000000\nCapEff: 0000000000000000\nNoNewPrivs: 1\nlo\n512\n'.replace(
        'CapBnd: 0000000000000000\nCapEff: 0000000000000000',
        'CapEff: 0000000000000000\nCapBnd: 0000000000000000',
      ),
    );
  });

  test('an image with its own entrypoint gets the command as its arguments', async () => {
    const echo = await testImage({ changes: ['ENTRYPOINT ["/bin/echo","said:"]', 'CMD ["nothing"]'] });
    expect(stdout(await docker.run(['hello'], { image: echo })).toString()).toBe('said: hello\n');
    expect(stdout(await docker.run([], { image: echo })).toString()).toBe('said: nothing\n');
    expect(stdout(await docker.run(['pwd'], { image: echo, entrypoint: [] })).toString()).toBe(
      '/workspace\n',
    );
    expect(stdout(await docker.run(['x'], { image: echo, entrypoint: ['/bin/echo', 'y'] })).toString()).toBe(
      'y x\n',
    );
  });

  test('text, a file and bytes sent while it runs reach standard input', async () => {
    expect(stdout(await docker.run(['cat'], {}, { options: { stdin: 'in\0put' } })).toString()).toBe(
      'in\0put',
    );
    expect(stdout(await docker.run(['cat'])).toString()).toBe('');
    const file = await docker.run(['sha256sum'], {}, { input_payload_path: process.execPath });
    const digest = createHash('sha256').update(readFileSync(process.execPath)).digest('hex');
    expect(stdout(file).toString()).toBe(`${digest}  -\n`);
    const id = await docker.start('echo ready; cat', {}, { options: { stdin_open: true } });
    await docker.wrote(id, 'ready');
    expect((await docker.post(`/invocations/${id}/stdin`, Buffer.from('later'))).statusCode).toBeLessThan(
      300,
    );
    expect(
      (await docker.post(`/invocations/${id}/stdin?eof=true`, Buffer.from(' end'))).statusCode,
    ).toBeLessThan(300);
    const record = await docker.finished(id);
    expect(record.status).toBe('succeeded');
    expect(stdout(record).toString()).toBe('ready\nlater end');
    expect((await docker.post(`/invocations/${id}/stdin?eof=true`, Buffer.alloc(0))).statusCode).toBe(204);
  });

  test('a program that does not read its input loses no output by it', async () => {
    const record = await docker.shell(
      'head -c 3; head -c 3000000 /dev/zero',
      {},
      {
        input_payload_path: process.execPath,
      },
    );
    expect(record.outcome?.stdout?.bytes).toBe(3_000_003);
    expect(record.status).toBe('succeeded');
  });

  test('a hundred megabytes of any bytes arrive exactly', async () => {
    const record = await docker.shell(
      'dd if=/dev/urandom of=/tmp/x bs=1000000 count=100 2>/dev/null; sha256sum < /tmp/x >&2; cat /tmp/x',
    );
    expect(record.outcome?.stdout?.bytes).toBe(100_000_000);
    expect(stderr(record).toString().slice(0, 64)).toBe(record.outcome?.stdout?.sha256);
  });

  test.each([125, 126, 127, 137, 143, 255])('exit code %i of a program is its own', async (code) => {
    const record = await docker.shell(`echo before; exit ${code}`);
    expect(record).toMatchObject({
      status: 'failed',
      result: { exit_code: code },
      outcome: { ended: 'exited' },
    });
  });

  test.each([true, false])('a program that is not there never started, with init: %s', async (init) => {
    const record = await docker.run(['no-such-program', 'x'], { init });
    expect(record).toMatchObject({
      status: 'failed',
      result: { exit_code: null },
      outcome: { ended: 'never_started', started: false, retry_safe: true },
    });
    expect(record.result?.error_summary).toMatch(
      /^could not start "no-such-program": .*(No such file|not found)/,
    );
    docker.nothingLeft(record);
  });

  test('an image that is not there, a bad user, a taken port and an unknown network are told in the words of the engine', async () => {
    const missing = await docker.run(['true'], { image: 'runwire-test:none', pull: 'never' });
    expect(missing).toMatchObject({
      status: 'rejected',
      result: { error_summary: 'image runwire-test:none is not on this engine, and pull is "never"' },
    });
    const registry = await docker.run(['true'], { image: '127.0.0.1:9/none:latest' });
    expect(registry).toMatchObject({
      status: 'failed',
      outcome: { ended: 'never_started', retry_safe: true },
    });
    expect(registry.result?.error_summary).toMatch(/^image .* cannot be pulled: .*refused/);
    const user = await docker.run(['true'], { user: 'nobody-here' });
    expect(user).toMatchObject({ status: 'failed', outcome: { ended: 'never_started', retry_safe: true } });
    expect(user.result?.error_summary).toMatch(/unable to find user nobody-here/);
    const network = await docker.run(['true'], { network: 'no-such-network' });
    expect(network.result?.error_summary).toMatch(/no-such-network/);
    const url = await docker.app.listen();
    const port = await docker.run(['true'], { ports: { [new URL(url).port]: 80 } });
    expect(port).toMatchObject({ status: 'failed', outcome: { ended: 'never_started' } });
    expect(port.result?.error_summary).toMatch(/address already in use/);
    for (const record of [missing, registry, user, network, port]) docker.nothingLeft(record);
  });

  test('GET /runtimes/docker says whether an engine is there', async () => {
    const here = (await docker.app.app.inject({ url: '/runtimes/docker' })).json();
    expect(here).toMatchObject({ kind: 'docker', available: true, reason: null });
  });
});
