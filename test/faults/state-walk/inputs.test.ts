import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import type { Walk } from './run.ts';
import { WalkSuite } from './suite.ts';

const OUTPUTS = [
  { id: 'model', path: 'model.bin' },
  { id: 'curves', path: 'curves' },
];

/** Reads what another run has left behind, changes its copies, and leaves a report. */
function reads(maker: string) {
  const from = (artifact_id: string) => ({ artifact: { invocation_id: maker, artifact_id } });
  return {
    body: {
      runtime_kind: 'subprocess',
      command: [
        'sh',
        '-c',
        'cat "$1" "$2/sum"; echo >"$1"; cp "$2/sum" "$3"',
        'sh',
        '${model}',
        '${curves}',
        '${report.path}',
      ],
      options: {
        template: true,
        inputs: [
          { id: 'model', ...from('model') },
          { id: 'curves', ...from('curves'), extract: true },
        ],
        outputs: [{ id: 'report', path: 'report.txt' }],
      },
    },
    wrote: { stdout: 'weights\n12\n', stderr: '' },
  };
}

async function made(walk: Walk): Promise<string> {
  const id = `made-${randomUUID().slice(0, 8)}`;
  const command = ['sh', '-c', 'echo weights >model.bin; mkdir curves; echo 12 >curves/sum'];
  const run = { invocation_id: id, runtime_kind: 'subprocess', command, options: { outputs: OUTPUTS } };
  await walk.server.startUnlessUp();
  const answer = await walk.server.post('/invocations?wait=20', run);
  expect(((await answer.json()) as { status: string }).status).toBe('succeeded');
  return id;
}

describe('A run that takes what another left behind', () => {
  const suite = new WalkSuite('The server was killed, in a run with inputs:');

  for (const point of [
    'insert committed',
    'spawn not sent',
    'spawn sent',
    'exit told',
    'facts received',
    'result made',
    'result stored',
    'result committed',
  ])
    suite.try(`at "${point}" has them once, and leaves its report`, async (walk) => {
      const { record } = await walk.step({
        point,
        said: `inputs: ${point}`,
        ...reads(await made(walk)),
        expected: { status: 'succeeded', outcome: { ended: 'exited', exit_code: 0, omitted: [] } },
      });
      expect(record.result?.artifacts.map(({ artifact_id }) => artifact_id)).toEqual([
        'stdout',
        'stderr',
        'report',
      ]);
      const answer = await fetch(`${walk.server.url}${record.result?.artifacts[2]?.metadata.href}`);
      expect(await answer.text()).toBe('12\n');
    });
});
