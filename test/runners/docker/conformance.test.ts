import { beforeAll } from 'vitest';
import type { Behaviour } from '../../helpers/conformance.ts';
import { DOCKER_HOST, testImage } from '../../helpers/docker/image.ts';
import { requires } from '../../helpers/require.ts';
import { testRunner } from '../../helpers/runner-conformance.ts';

/** The work as a script of the image's shell. */
function script({ prints, files = {}, output = [], times = 1, pauseMs = 0, ...rest }: Behaviour): string {
  const { stayMs = 0, ignoreStop = false, exitCode = 0 } = rest;
  const decode = (base64: string, path: string) => `echo ${base64} | base64 -d > "${path}"`;
  const pause = pauseMs > 0 ? `; sleep ${pauseMs / 1000}` : '';
  const write = output.map(({ stream }, n) => `cat /tmp/${n}${stream === 'stderr' ? ' >&2' : ''}${pause}`);
  return [
    ...(ignoreStop ? ['trap "" TERM'] : []),
    ...(prints === undefined ? [] : [`cat ${prints}`]),
    ...Object.entries(files).map(([name, text]) =>
      decode(Buffer.from(text).toString('base64'), `$RUNWIRE_ARTIFACT_DIR/${name}`),
    ),
    ...output.map(({ base64 }, n) => decode(base64, `/tmp/${n}`)),
    `n=0; while [ $n -lt ${times} ]; do ${[...write, 'n=$((n+1))'].join('; ')}; done`,
    ...(stayMs > 0 ? [`sleep ${stayMs / 1000}`] : []),
    `exit ${exitCode}`,
  ].join('\n');
}

requires('docker')('The docker runner', () => {
  let image = '';
  beforeAll(async () => {
    image = await testImage();
  });

  const copied = { sessions: 'the workspace of a session is mounted in its container' };
  for (const { title, spec, skip } of [
    { title: 'workspace mounted', spec: {}, skip: {} },
    { title: 'everything in the container', spec: { mount_workspace: false, init: false }, skip: copied },
  ]) {
    testRunner({
      kind: 'docker',
      ...{ title, skip },
      setsUp: true,
      hasTerminals: true,
      app: { config: { DOCKER_HOST } },
      invocation: (behaviour) => ({
        runtime_kind: 'docker',
        command: ['sh', '-c', script(behaviour)],
        options: { docker: { image, ...spec } },
      }),
    });
  }
});
