import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerServer } from '../../../helpers/docker/server.ts';
import { DockerSessions } from '../../../helpers/docker/sessions.ts';
import { requires } from '../../../helpers/require.ts';

requires('docker')('Ports of a session in a container', () => {
  let docker: DockerServer;
  let sessions: DockerSessions;
  beforeAll(async () => {
    docker = await DockerServer.on();
    sessions = new DockerSessions(docker);
  });
  afterAll(() => docker?.end());

  test('are where they were for each of its runs, which tells them', async () => {
    const { id } = await sessions.open({}, { ports: { 0: 8080 } });
    const places = new Set<string>();
    for (const word of ['first', 'second']) {
      const run = await sessions.start(id, `echo ${word} | nc -l -p 8080`);
      let place = '';
      for await (const events of docker.app.engine.log(run).read({ after: 0, follow: true })) {
        for (const { entry } of events) {
          const data = (entry as { data?: { type?: string; ports?: Record<string, string> } }).data;
          if (data?.type === 'ports') place = data.ports?.['8080/tcp'] ?? '';
        }
        if (place !== '') break;
      }
      expect(place).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
      places.add(place);
      const [host, port] = place.split(':');
      // Who comes before the program listens is hung up on.
      await expect.poll(() => text(connect(Number(port), host)).catch(() => '')).toBe(`${word}\n`);
      expect(await docker.finished(run)).toMatchObject({
        status: 'succeeded',
        result: { metadata: { 'docker.port.8080/tcp': place } },
      });
    }
    expect(places.size).toBe(1);
    await sessions.close(id);
  });
});
