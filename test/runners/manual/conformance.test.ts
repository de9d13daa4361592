import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from '../../../runners/manual/dispatcher.ts';
import { automaticWorker } from '../../helpers/automatic-worker.ts';
import type { Behaviour } from '../../helpers/conformance.ts';
import { testRunner } from '../../helpers/runner-conformance.ts';

const invocation = (name: string, behaviour: Behaviour) => ({
  runtime_kind: 'manual',
  runtime_name: name,
  metadata: { behaviour: JSON.stringify(behaviour) },
});

testRunner({
  kind: 'manual',
  title: 'workers that claim',
  failedBecause: 'reported',
  accompany: async (app) => automaticWorker(await app.listen(), 'auto'),
  invocation: (behaviour) => invocation('auto', behaviour),
});

const dispatcher: Dispatcher = async (
  { metadata },
  { signal, output, workingDirectory, artifactDirectory },
) => {
  const behaviour = JSON.parse(metadata.behaviour ?? '{}') as Behaviour;
  if (behaviour.prints !== undefined)
    output.write('stdout', await readFile(join(workingDirectory, behaviour.prints)));
  for (const [name, content] of Object.entries(behaviour.files ?? {}))
    await writeFile(`${artifactDirectory}/${name}`, content);
  for (let round = 0; round < (behaviour.times ?? 1); round++)
    for (const { stream, base64 } of behaviour.output ?? []) {
      output.write(stream, Buffer.from(base64, 'base64'));
      if (behaviour.pauseMs !== undefined) await sleep(behaviour.pauseMs);
    }
  const stop = behaviour.ignoreStop ? {} : { signal };
  await sleep(behaviour.stayMs ?? 0, undefined, { ...stop, ref: false });
  return { status: behaviour.exitCode ? 'failed' : 'succeeded', exit_code: behaviour.exitCode ?? 0 };
};

testRunner({
  kind: 'manual',
  title: 'a dispatcher of the embedding program',
  failedBecause: 'reported',
  app: { dispatchers: { behaving: dispatcher } },
  invocation: (behaviour) => ({
    ...invocation('embedded', behaviour),
    options: { manual: { dispatcher: 'behaving' } },
  }),
});
