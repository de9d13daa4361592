import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { programScore, programScoring } from '../../../src/supervisor/spawn/oom-score.ts';
import { DockerServer } from '../../helpers/docker/server.ts';
import { supervisorOf } from '../../helpers/processes.ts';
import { requires } from '../../helpers/require.ts';
import { withSubprocesses } from '../../helpers/subprocess-suite.ts';

const scoreOf = (pid: number | string): number =>
  Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim());

const none = (): undefined => undefined;

requires('linux')('When memory runs out', () => {
  withSubprocesses('The programs of a server', (parts) => {
    test('are taken before it and its supervisor, with all they forked from their first moment on', async () => {
      const own = scoreOf('self');
      const id = await parts.start([
        'sh',
        '-c',
        '(cat /proc/self/oom_score_adj); setsid cat /proc/self/oom_score_adj; ' +
          `until [ "$(cat /proc/$$/oom_score_adj)" = ${programScore(own)} ]; do sleep 0.01; done; ` +
          'cat /proc/$$/oom_score_adj; echo up; sleep 60',
      ]);
      await parts.said(id, 'up');
      expect(scoreOf('self')).toBe(own);
      expect(scoreOf(supervisorOf(parts.app.dataDir))).toBe(own);
      parts.app.engine.cancel(id, 0);
      const more = programScore(own);
      expect(more).toBeGreaterThan(own);
      const said = (await parts.stdout(await parts.finished(id))).split('\n');
      // What is forked at once may still have the score of the start.
      for (const score of said.slice(0, 2)) expect([programScore(own, 250), more]).toContain(Number(score));
      expect(said.slice(2)).toEqual([`${more}`, 'up', '']);
    });

    test('are so under limits too, and the supervisor is as before when one could not start', async () => {
      const own = scoreOf('self');
      const limited = await parts.run(['cat', '/proc/self/oom_score_adj'], {
        options: { limits: { open_files: 64 } },
      });
      expect([programScore(own, 250), programScore(own)]).toContain(Number(await parts.stdout(limited)));
      expect((await parts.run(['/no/such/program'])).outcome?.ended).toBe('never_started');
      expect((await parts.run(['/etc/passwd'])).outcome?.ended).toBe('never_started');
      expect(scoreOf(supervisorOf(parts.app.dataDir))).toBe(own);
    });
  });

  test('programs of a server that was protected are not, and those of one that was offered are offered more', () => {
    expect([-1000, -500, 0, 300, 800, 1000].map((own) => programScore(own))).toEqual([
      500, 500, 500, 800, 1000, 1000,
    ]);
  });

  test('a machine that has no such scores starts programs all the same', () => {
    expect(programScoring('/no/such/place')(() => 'started', none)).toBe('started');
  });

  test('the score is back as it was last, whoever set it meanwhile', () => {
    const proc = mkdtempSync(join(tmpdir(), 'runwire-scores-'));
    const file = join(proc, 'self', 'oom_score_adj');
    mkdirSync(dirname(file));
    const seen: string[] = [];
    writeFileSync(file, '100\n');
    const withProgramScore = programScoring(proc);
    for (const set of ['100\n', '200\n']) {
      writeFileSync(file, set);
      withProgramScore(() => seen.push(readFileSync(file, 'utf8')), none);
      seen.push(readFileSync(file, 'utf8'));
    }
    rmSync(proc, { recursive: true });
    expect(seen).toEqual(['350\n', '100\n', '450\n', '200\n']);
  });

  test('the score is back also when the start throws', () => {
    const own = scoreOf('self');
    let during = Number.NaN;
    const start = () =>
      programScoring()(() => {
        during = scoreOf('self');
        throw new Error('could not start');
      }, none);
    expect(start).toThrow('could not start');
    expect(during).toBe(programScore(own, 250));
    expect(scoreOf('self')).toBe(own);
  });
});

requires('linux', 'docker')('When memory runs out on a machine with an engine', () => {
  test('its containers are taken before the server', async () => {
    const server = await DockerServer.on();
    try {
      const record = await server.run(['cat', '/proc/self/oom_score_adj']);
      const { body } = await server.app.app.inject(`/invocations/${record.invocation.invocation_id}/stdout`);
      expect(Number(body)).toBeGreaterThan(scoreOf('self'));
    } finally {
      await server.end();
    }
  });
});
