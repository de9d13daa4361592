import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerServer } from '../../../helpers/docker/server.ts';
import { DockerSessions, engine } from '../../../helpers/docker/sessions.ts';
import { requires } from '../../../helpers/require.ts';

const GONE = 'the container of the session is gone: reset the session';
const FAILED = { state: 'failed', reason: GONE };
const NOT_BEGUN = {
  status: 'failed',
  result: { error_summary: GONE },
  outcome: { ended: 'never_started', started: false, retry_safe: true },
};

requires('docker')('A session whose container was removed from outside has failed when a run says so', () => {
  let docker: DockerServer;
  let sessions: DockerSessions;
  beforeAll(async () => {
    docker = await DockerServer.on();
    sessions = new DockerSessions(docker);
  });
  afterAll(() => docker?.end());

  test('docker rm -f in the middle of a run: that is lost; a reset makes it anew', async () => {
    const { id, container } = await sessions.open();
    const run = await sessions.start(id, 'echo up; sleep 1000');
    await docker.wrote(run, 'up');
    engine('rm', '-f', container);
    const lost = await docker.finished(run);
    expect(lost).toMatchObject({ status: 'failed', outcome: { ended: 'lost', retry_safe: false } });
    expect(lost.result?.error_summary).toContain(GONE);
    expect(await sessions.get(id)).toMatchObject(FAILED);
    const reset = await docker.post(`/sessions/${id}/reset?wait=50`);
    expect(reset.json(), reset.body).toMatchObject({ state: 'ready', generation: 2 });
    expect((await sessions.run(id, 'true')).status).toBe('succeeded');
    await sessions.close(id);
  });

  for (const how of [
    [['rm', '-f']],
    [
      ['stop', '-t', '0'],
      ['rm', '-v'],
    ],
  ])
    test(`docker ${how.flat().join(' ')} between two runs: the next one has begun nothing`, async () => {
      const { id, container } = await sessions.open();
      expect((await sessions.run(id, 'true')).status).toBe('succeeded'); // it has looked just now
      for (const words of how) engine(...words, container);
      expect(await sessions.run(id, 'true')).toMatchObject(NOT_BEGUN);
      expect(await sessions.get(id)).toMatchObject(FAILED);
      await sessions.close(id);
    });

  test('the next one has begun nothing also where something of its own was to be brought in', async () => {
    const { id, container } = await sessions.open();
    const options = { inputs: [{ id: 'words', text: 'some' }] };
    const look = 'cat /inputs/words/*';
    expect((await sessions.run(id, look, { options })).status).toBe('succeeded');
    engine('rm', '-f', container);
    expect(await sessions.run(id, look, { options })).toMatchObject(NOT_BEGUN);
    expect(await sessions.get(id)).toMatchObject(FAILED);
    await sessions.close(id);
  });
});
