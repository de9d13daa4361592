import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerServer, stdout } from '../../../helpers/docker/server.ts';
import { DockerSessions, engine, sessionContainers } from '../../../helpers/docker/sessions.ts';
import { requires } from '../../../helpers/require.ts';

requires('docker')('A session in a container', () => {
  let docker: DockerServer;
  let sessions: DockerSessions;
  beforeAll(async () => {
    docker = await DockerServer.on();
    sessions = new DockerSessions(docker);
  });
  afterAll(() => docker?.end());

  test('is set up once; its runs find what that left, files and processes, and what they leave running ends', async () => {
    const { id } = await sessions.open({
      setup: { commands: ['echo made >/tmp/made', '(while :; do sleep 0.1; done) & echo $! >/tmp/pid'] },
    });
    expect(sessionContainers(id)).toHaveLength(1);
    const first = await sessions.run(
      id,
      'cat /tmp/made; kill -0 $(cat /tmp/pid) && echo lives; sleep 1000 & echo $! >/tmp/mine; echo $$ >file',
    );
    expect(first, JSON.stringify(first.result)).toMatchObject({
      status: 'succeeded',
      outcome: { ended: 'exited', exit_code: 0, kill: { signals: ['SIGKILL'], survivors: 0 } },
    });
    expect(stdout(first).toString()).toBe('made\nlives\n');
    const second = await sessions.run(
      id,
      'kill -0 $(cat /tmp/pid) && echo lives; kill -0 $(cat /tmp/mine) || echo ended; ls; exit 4',
    );
    expect(second).toMatchObject({
      status: 'failed',
      outcome: { ended: 'exited', exit_code: 4, kill: null },
    });
    expect(stdout(second).toString()).toBe('lives\nended\nfile\n');
    await sessions.close(id);
  });

  test('its runs have users, environments, directories and limits of their own, and no more rights than others', async () => {
    const { id } = await sessions.open({}, { memory_bytes: 64 * 2 ** 20 });
    const script =
      'id -u; pwd; echo $WHO; grep -e CapEff -e NoNewPrivs /proc/self/status; ulimit -n; ulimit -c; ls /sys/class/net';
    const record = await sessions.run(id, script, {
      environment: { WHO: 'one' },
      options: { limits: { open_files: 77 }, docker: { user: '1000' } },
    });
    expect(stdout(record).toString().replaceAll(/\t/g, ' ')).toBe(
      '1000\n/workspace\none\nCapEff: 0000000000000000\nNoNewPrivs: 1\n77\n0\nlo\n',
    );
    const other = await sessions.run(id, 'echo [$WHO]; ulimit -n');
    expect(stdout(other).toString()).not.toContain('77');
    expect(stdout(other).toString()).toMatch(/^\[\]\n/);
    const oom = await sessions.run(id, 'exec tail /dev/zero');
    expect(oom).toMatchObject({
      status: 'failed',
      result: {
        error_summary: 'killed: out of memory (limit 67108864 bytes)',
        metadata: { 'docker.oom_killed': 'true' },
      },
      outcome: { ended: 'signaled', signal: 'SIGKILL', exit_code: -9 },
    });
    const killed = await sessions.run(id, 'kill -9 $$');
    expect(killed).toMatchObject({
      result: { error_summary: 'killed by SIGKILL' },
      outcome: { ended: 'signaled', signal: 'SIGKILL' },
    });
    await sessions.close(id);
  });

  test('a run whose program, user or directory is not there has begun nothing, and says so', async () => {
    const { id } = await sessions.open();
    const program = await docker.app.run({
      runtime_kind: 'docker',
      command: ['no-such-program', 'x'],
      options: { session: id },
    });
    expect(program).toMatchObject({
      status: 'failed',
      result: { error_summary: 'could not start "no-such-program": no such file or directory (ENOENT)' },
      outcome: { ended: 'never_started', retry_safe: true, failure: { reason: 'program_not_found' } },
    });
    const user = await sessions.run(id, 'true', { options: { docker: { user: 'nobody-here' } } });
    expect(user).toMatchObject({ status: 'failed', outcome: { ended: 'never_started', retry_safe: true } });
    expect(user.result?.error_summary).toMatch(/unable to find user nobody-here/);
    const after = await sessions.run(id, 'echo well');
    expect(stdout(after).toString()).toBe('well\n');
    await sessions.close(id);
  });

  test('has setup of its own runs too, what that left ends with them, and one that failed has no command', async () => {
    const { id } = await sessions.open();
    const left = '(while :; do sleep 0.1; done) & echo $! >/tmp/left';
    const first = await sessions.run(id, 'kill -0 $(cat /tmp/left) && echo lives', {
      options: { setup: { commands: [left] } },
    });
    expect(first, JSON.stringify(first.result)).toMatchObject({
      status: 'succeeded',
      outcome: { kill: { survivors: 0 } },
    });
    expect(stdout(first).toString()).toBe('lives\n');
    const look = () => sessions.run(id, 'kill -0 $(cat /tmp/left) || echo ended');
    expect(stdout(await look()).toString()).toBe('ended\n');
    const failed = await sessions.run(id, 'echo never', {
      options: { setup: { commands: [left, 'exit 4', 'echo no'] } },
    });
    expect(failed).toMatchObject({
      status: 'failed',
      result: { exit_code: null, error_summary: 'setup: command 2 of 3 (sh -c "exit 4") exited with code 4' },
      outcome: {
        ended: 'setup_failed',
        retry_safe: false,
        setup: [{ exit_code: 0 }, { exit_code: 4 }],
        kill: { survivors: 0 },
      },
    });
    expect(stdout(failed).toString()).toBe('');
    expect(stdout(await look()).toString()).toBe('ended\n');
    await sessions.close(id);
  });

  test('holds runs beside each other, each with its output, files and end', async () => {
    const { id, workspace } = await sessions.open();
    const records = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        sessions.run(
          id,
          `echo ${n}; mkdir -p "out${n}"; echo ${n} >"$RUNWIRE_ARTIFACT_DIR/n"; sleep 1; exit ${n}`,
          {
            artifact_directory: `out${n}`,
            options: { workspace: { id: workspace, shared: true } },
          },
        ),
      ),
    );
    for (const [n, record] of records.entries()) {
      expect([record.outcome?.exit_code, stdout(record).toString()]).toEqual([n, `${n}\n`]);
      expect(record.result?.artifacts.map(({ artifact_id }) => artifact_id)).toContain('n');
    }
    await sessions.close(id);
  });

  test('setup may be of another user: what it left is ended with the run all the same', async () => {
    const options = {
      setup: { commands: ['id -u; (while :; do sleep 0.1; done) & echo $! >/tmp/left'], user: '0' },
    };
    const { id, container } = await sessions.open();
    const record = await sessions.run(id, 'id -u', { options });
    expect(record).toMatchObject({
      status: 'succeeded',
      outcome: { setup_stdout: { bytes: 2 }, kill: { survivors: 0 } },
    });
    expect(stdout(record).toString()).toBe('65534\n');
    await expect.poll(() => engine('top', container).split('\n').length, { timeout: 5000 }).toBe(2);
    await sessions.close(id);
  });

  test('whose setup fails is failed, and its container goes', async () => {
    const { id, response } = await sessions.make({ setup: { commands: ['echo some >&2; exit 9'] } });
    expect(response.json()).toMatchObject({ state: 'failed' });
    expect(response.json().reason).toContain('exited with code 9');
    await expect.poll(() => sessionContainers(id), { timeout: 5000 }).toEqual([]);
    await sessions.close(id);
  });

  test('takes no copy of a workspace, in words', async () => {
    const { id, response } = await sessions.make({}, { mount_workspace: false });
    expect(response.json()).toMatchObject({ state: 'failed' });
    expect(response.json().reason).toContain('the workspace of a session is mounted');
    await sessions.close(id);
  });

  test('a hundred runs leave no process, no file and no exec in it', { timeout: 120_000 }, async () => {
    const { id, container } = await sessions.open();
    const count = () => engine('top', container).split('\n').length;
    const before = count();
    for (let n = 0; n < 100; n++) {
      const record = await sessions.run(id, `sleep 100 & echo ${n}; exit ${n % 3}`);
      expect([record.outcome?.exit_code, stdout(record).toString()]).toEqual([n % 3, `${n}\n`]);
    }
    const files = () => engine('exec', container, 'ls', '-A', '/.runwire/runs');
    await expect.poll(files, { timeout: 5000 }).toBe('');
    await expect.poll(count, { timeout: 5000 }).toBe(before);
    const execs = () => engine('inspect', '--format', '{{json .ExecIDs}}', container);
    await expect.poll(execs, { timeout: 5000 }).toBe('null');
    await sessions.close(id);
  });
});
