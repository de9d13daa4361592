import { afterAll, beforeAll, expect, test } from 'vitest';
import { runWords } from '../../../../runners/docker/keeper/words.ts';
import { keptContainer } from '../../../../runners/docker/kept-facts.ts';
import type { Record as RunRecord } from '../../../../src/documents/record.ts';
import { DockerServer, stdout } from '../../../helpers/docker/server.ts';
import { DockerSessions, engine } from '../../../helpers/docker/sessions.ts';
import { requires } from '../../../helpers/require.ts';
import { expectSound } from '../../../helpers/sound-run.ts';

requires('docker')('What a setup in a container left running', () => {
  let docker: DockerServer;
  let sessions: DockerSessions;
  beforeAll(async () => {
    docker = await DockerServer.on();
    sessions = new DockerSessions(docker);
  });
  afterAll(() => docker?.end());

  const bytes = async (record: RunRecord, stream = 'stdout'): Promise<string> => {
    const { invocation_id: id } = record.invocation;
    return (await docker.app.app.inject({ url: `/invocations/${id}/${stream}?phase=setup` })).body;
  };
  const sound = async (record: RunRecord) => expectSound(docker.app, record);
  /** It writes once the command has begun, and has nothing to hold after. */
  const late = (what: string, where = '/tmp/gate') =>
    `echo ${what}; (until [ -e ${where} ]; do sleep 0.05; done; echo late ${what}; echo err ${what} >&2; touch ${where}.${what}; sleep 1000) &`;
  const command =
    'touch /tmp/gate; until [ -e /tmp/gate.a ] && [ -e /tmp/gate.b ]; do sleep 0.05; done; echo done; exit 5';

  test('writes on for the setup: of each of its commands, in their order, and it ends with the run', async () => {
    const record = await docker.shell(
      command,
      {},
      { options: { setup: { commands: [late('a'), 'echo between', late('b')] } } },
    );
    expect(record, JSON.stringify(record.result)).toMatchObject({
      outcome: { ended: 'exited', exit_code: 5, stdout: { bytes: 5 } },
    });
    expect(await bytes(record)).toBe('a\nbetween\nb\nlate a\nlate b\n');
    expect(await bytes(record, 'stderr')).toBe('err a\nerr b\n');
    expect(record.outcome?.setup_stdout).toMatchObject({ bytes: 26 });
    await sound(record);
    docker.nothingLeft(record);
  });

  test('is told while the command is at work, silent as that may be', async () => {
    const id = await docker.start(
      'touch /tmp/gate; sleep 1000',
      {},
      { options: { setup: { commands: [late('a')] }, kill_grace_seconds: 0 } },
    );
    const told = async (stream: string) =>
      (await docker.app.app.inject({ url: `/invocations/${id}/${stream}?phase=setup` })).body;
    await expect.poll(() => told('stderr'), { timeout: 20_000 }).toBe('err a\n');
    await docker.post(`/invocations/${id}/cancel`);
    const record = await docker.finished(id);
    expect([record.status, await told('stdout')]).toEqual(['cancelled', 'a\nlate a\n']);
    await sound(record);
    docker.nothingLeft(record);
  });

  test('is ended with the container where it is another user’s: nobody survives, and that is told', async () => {
    const record = await docker.shell(
      'echo done',
      {},
      { options: { setup: { commands: ['(trap "" TERM; sleep 1000) & sleep 1000 &'], user: '0' } } },
    );
    expect(record, JSON.stringify(record.result)).toMatchObject({
      status: 'succeeded',
      outcome: { kill: { signals: ['SIGKILL'], survivors: 0 } },
    });
    docker.nothingLeft(record);
  });

  test('of a run in a session too, also as another user; and nothing of it is left', async () => {
    const { id, container } = await sessions.open();
    for (const user of [undefined, '1000']) {
      const gate = `/tmp/gate-${user}`;
      const script = `touch ${gate}; until [ -e ${gate}.a ]; do sleep 0.05; done; echo done`;
      const setup = { commands: [late('a', gate)], ...(user !== undefined && { user }) };
      const record = await sessions.run(id, script, { options: { setup } });
      expect([record.status, stdout(record).toString()], JSON.stringify(record.result)).toEqual([
        'succeeded',
        'done\n',
      ]);
      expect([await bytes(record), await bytes(record, 'stderr')]).toEqual(['a\nlate a\n', 'err a\n']);
      expect(record.outcome?.kill).toMatchObject({ survivors: 0 });
      await sound(record);
      const left = () => engine('exec', container, 'ls', '-A', '/.runwire/runs');
      await expect.poll(left, { timeout: 10_000 }).toBe('');
      expect((await sessions.run(id, 'pidof sleep')).outcome?.exit_code).toBe(1);
    }
    await sessions.close(id);
  });

  test('is the setup’s also where that failed, and where the run was cancelled or too long', async () => {
    const setup = { commands: [late('a', '/tmp/none'), '(sleep 0.4; echo soon; sleep 1000) &'] };
    const failed = await docker.shell(
      'true',
      {},
      { options: { setup: { commands: [...setup.commands, 'sleep 0.8; exit 3'] } } },
    );
    expect(failed.outcome).toMatchObject({ ended: 'setup_failed' });
    expect(await bytes(failed)).toBe('a\nsoon\n');
    await sound(failed);
    const long = await docker.shell(
      'sleep 1000',
      {},
      { timeout_seconds: 1, options: { setup, kill_grace_seconds: 0 } },
    );
    expect([long.status, await bytes(long)]).toEqual(['timed_out', 'a\nsoon\n']);
    await sound(long);
    const id = await docker.start(
      'echo up; sleep 1; echo more; sleep 1000',
      {},
      { options: { setup, kill_grace_seconds: 0 } },
    );
    await docker.wrote(id, 'more');
    await docker.post(`/invocations/${id}/cancel`);
    const cancelled = await docker.finished(id);
    expect([cancelled.status, await bytes(cancelled)]).toEqual(['cancelled', 'a\nsoon\n']);
    await sound(cancelled);
  });

  test('writes more than is kept: that is counted, and no more than the limit is in its captures', async () => {
    const setup = { commands: ['(sleep 0.4; head -c 100000 /dev/zero; touch /tmp/gate) &'] };
    const record = await docker.shell(
      'until [ -e /tmp/gate ]; do sleep 0.05; done',
      {},
      { options: { setup, max_output_bytes: 1000 } },
    );
    expect(record.outcome?.setup_stdout, JSON.stringify(record.result)).toMatchObject({
      bytes: 100_000,
      kept: 1000,
    });
    await sound(record);
  });

  test('of a session’s own setup nothing is kept: it goes on', async () => {
    const { id, container } = await sessions.open({
      setup: { commands: ['while :; do echo x; sleep 0.1; done &'] },
    });
    expect(engine('exec', container, 'ls', '-A', '/.runwire/runs')).not.toContain('late');
    await sessions.close(id);
  });

  test('in a container that ends meanwhile: what it had written is there', async () => {
    const setup = { commands: [late('a')] };
    const id = await docker.start(
      'touch /tmp/gate; until [ -e /tmp/gate.a ]; do sleep 0.05; done; echo up; sleep 1000',
      {},
      { options: { setup } },
    );
    await docker.wrote(id, 'up');
    engine('kill', engine('ps', '-q', '--filter', `label=runwire.invocation_id=${id}`));
    const record = await docker.finished(id);
    expect(record.outcome).toMatchObject({ ended: 'lost' });
    expect(await bytes(record)).toBe('a\nlate a\n');
    await sound(record);
  });

  test('in a container that an earlier version made is not asked for: its keeper cannot', () => {
    const facts = { image: 'i', user: '', entrypoint: [], command: [] };
    const label = (more: object) => ({ 'runwire.facts': JSON.stringify({ ...facts, ...more }) });
    expect(keptContainer('c', label({}))?.keepsLate).toBe(false);
    expect(keptContainer('c', label({ keepsLate: true }))?.keepsLate).toBe(true);
    const plan = {
      directory: '/d',
      argv: ['a'],
      mark: '1',
      terminal: null,
      hasInput: false,
      keptBytes: 1,
      timeLimitMs: null,
      graceMs: 0,
      limits: {},
    };
    expect(runWords({ ...plan, stays: true, keepsLate: false })).toContain('-s');
    expect(runWords({ ...plan, stays: true, keepsLate: true })).not.toContain('-s');
  });
});
