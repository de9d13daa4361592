import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testImage } from '../helpers/docker/image.ts';
import { Example } from '../helpers/example.ts';
import { requires } from '../helpers/require.ts';

requires('curl')('examples/session.sh', () => {
  const example = new Example('session.sh');
  const expectNothingLeft = async (): Promise<void> => {
    for (const name of ['workspaces', 'snapshots', 'environment-specs'])
      expect(await example.items(name), name).toEqual([]);
    for (const session of await example.items('sessions'))
      expect(session).toMatchObject({ state: 'closed', trouble: null });
  };

  const expectWorks = async (more: Record<string, string> = {}): Promise<void> => {
    const before = (await example.items('invocations')).length;
    const { code, stdout, stderr } = await example.start(more);
    expect([code, stderr], stdout).toEqual([0, '']);
    const parts = stdout.split('== ');
    expect(parts.map((part) => part.split(/[:\n]/)[0])).toEqual([
      ...['', 'ready', 'look', 'read', 'write', 'try', 'peek', 'changes', 'evaluate', 'done'],
    ]);
    expect(parts[2]).toMatch(/\ninput.txt\n$/);
    expect(parts[5]).toMatch(/\n3\n$/);
    expect(parts[6]).toMatch(/\nnothing is hidden here\n$/);
    expect(parts[7]).toContain('+++ b/work/count.sh\n');
    expect(parts[7]).toContain('new file mode 100755');
    expect(parts[8]).toMatch(/\nit counts\n$/);
    const items = await example.items('invocations');
    const agents = items
      .slice(0, items.length - before)
      .filter((one) => !JSON.stringify(one).includes('-evaluate"'));
    expect(agents).toHaveLength(6);
    for (const one of agents) expect(JSON.stringify(one)).not.toContain('answer');
    await expectNothingLeft();
  };

  test('prepares once, works in it, and is evaluated by what the agent did not see', () => expectWorks());

  requires('docker')('of kind docker', () => {
    test('does the same in one container', async () => {
      await expectWorks({ RUNWIRE_EXAMPLE_KIND: 'docker', RUNWIRE_EXAMPLE_IMAGE: await testImage() });
    });
  });

  test('exits as what failed, and leaves nothing', async () => {
    const faulty = `s='wc -w'; sed "s/$s/wc -l/" "$1" > "$2"; sh "$2"`;
    const { code, stdout, stderr } = await example.start({}, [
      '-c',
      faulty,
      'sh',
      example.script,
      join(example.place, 'faulty.sh'),
    ]);
    expect([code, stdout]).toEqual([1, expect.stringContaining('== evaluate')]);
    expect(stdout).not.toContain('\nit counts\n');
    expect(stderr).toContain('evaluate failed: {');
    await expectNothingLeft();
  });

  test('says what it is not made for', async () => {
    expect(await example.start({ RUNWIRE_EXAMPLE_KIND: 'http' })).toEqual({
      ...{ code: 2, stdout: '', stderr: 'RUNWIRE_EXAMPLE_KIND: subprocess or docker, not http\n' },
    });
  });
});
