import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { dockerDaemon } from '../../../helpers/docker/daemon.ts';
import { DockerServer, stderr, stdout } from '../../../helpers/docker/server.ts';
import { inSession } from '../../../helpers/docker/sessions.ts';
import { requires } from '../../../helpers/require.ts';

const SETUP = { setup: { commands: ['true'] } };
const COUNT = 'i=0; while [ $i -lt 60 ]; do echo line $i; echo error $i >&2; i=$((i+1)); sleep 0.1; done';
const lines = (word: string): string => Array.from({ length: 60 }, (_, n) => `${word} ${n}\n`).join('');

requires('docker', 'root')('An engine that goes away from kept containers', () => {
  test('when it is killed and comes back: a run with a setup is lost; a session goes on, and says what is gone', async () => {
    await using engine = await dockerDaemon();
    const server = await DockerServer.on(engine.host);
    try {
      const session = {
        session_id: 'over',
        runtime_kind: 'docker',
        options: { docker: { image: server.image } },
      };
      const made = await server.post('/sessions?wait=50', {
        ...session,
        options: { ...session.options, setup: { commands: ['echo made >/tmp/made'] } },
      });
      expect(made.json().state).toBe('ready');
      const id = await server.start('echo begun; sleep 100', {}, { options: SETUP });
      const run = (await server.post('/invocations', inSession('over', 'echo begun; sleep 100'))).json();
      const inIt: string = run.invocation.invocation_id;
      for (const one of [id, inIt]) await server.wrote(one, 'begun');
      await engine.kill();
      await engine.start();
      for (const one of [id, inIt]) {
        const record = await server.finished(one);
        expect(record).toMatchObject({ status: 'failed', outcome: { ended: 'lost', retry_safe: false } });
        expect(record.result?.error_summary).toMatch(
          /its container was ended|what watched the program was killed/,
        );
        expect(stdout(record).toString()).toBe('begun\n');
      }
      await server.gone(id);
      const next = await server.app.run(inSession('over', 'cat /tmp/made'));
      expect([next.status, stdout(next).toString()]).toEqual(['succeeded', 'made\n']);
    } finally {
      await server.end();
    }
  });

  test('when it leaves containers alone: nothing is lost, and no byte missing or twice', async () => {
    await using engine = await dockerDaemon('--live-restore');
    const server = await DockerServer.on(engine.host);
    try {
      const id = await server.start(COUNT, {}, { options: SETUP });
      await server.wrote(id, 'line 5\n');
      await engine.kill();
      await sleep(500);
      await engine.start();
      const record = await server.finished(id);
      expect(record, record.result?.error_summary ?? '').toMatchObject({
        status: 'succeeded',
        result: { exit_code: 0 },
      });
      expect(stdout(record).toString()).toBe(lines('line'));
      expect(stderr(record).toString()).toBe(lines('error'));
      await server.gone(id);
    } finally {
      await server.end();
    }
  });
});
