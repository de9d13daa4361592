import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testImage } from '../helpers/docker/image.ts';
import { Example } from '../helpers/example.ts';
import { requires } from '../helpers/require.ts';

requires('curl')('examples/artifacts.sh', () => {
  const example = new Example('artifacts.sh');
  const expectNothingLeft = async (): Promise<void> => {
    for (const name of ['invocations', 'assets']) expect(await example.items(name), name).toEqual([]);
  };
  const expectWorks = async (more: Record<string, string> = {}): Promise<void> => {
    const { code, stdout, stderr } = await example.start(more);
    expect([code, stderr], stdout).toEqual([0, '']);
    expect(stdout).toBe(
      [
        ...['== train', 'mean 4', '== report', '> Report of report', '> mean 4', '> {"rows": 3}'],
        ...['> curve: 12, at most 12.50', '== done', ''],
      ].join('\n'),
    );
    await expectNothingLeft();
  };

  test('hands over what one step made to the next by names alone', () => expectWorks());

  requires('docker')('of kind docker', () => {
    test('does the same, wherever the container sees it', async () => {
      await expectWorks({ RUNWIRE_EXAMPLE_KIND: 'docker', RUNWIRE_EXAMPLE_IMAGE: await testImage() });
    });
  });

  test('no request has a path of the server, nor of a container', () => {
    const text = readFileSync(example.script, 'utf8').replace(/^#.*$/gm, '');
    expect(text).not.toMatch(/\/(inputs|static|workspace|work|tmp|runs)\b/);
    expect(text).not.toContain('RUNWIRE_ARTIFACT_DIR');
  });

  test('a step that leaves out what it declared fails by its name, and nothing is left', async () => {
    const faulty = `sed 's/>"$3"/>other.json/' "$1" > "$2"; sh "$2"`;
    const { code, stdout, stderr } = await example.start({}, [
      '-c',
      faulty,
      'sh',
      example.script,
      join(example.place, 'faulty.sh'),
    ]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('train failed: {');
    expect(stderr).toContain('missing outputs: metrics (metrics.json: does not exist)');
    await expectNothingLeft();
  });

  test('says what it is not made for', async () => {
    expect(await example.start({ RUNWIRE_EXAMPLE_KIND: 'http' })).toEqual({
      ...{ code: 2, stdout: '', stderr: 'RUNWIRE_EXAMPLE_KIND: subprocess or docker, not http\n' },
    });
  });
});
