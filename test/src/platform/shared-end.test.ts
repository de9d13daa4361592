import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { requires } from '../../helpers/require.ts';

const MODULE = fileURLToPath(new URL('../../../src/platform/shared-end.ts', import.meta.url));
const SAY = `import(${JSON.stringify(MODULE)}).then(({ sharedEnd }) => console.log(sharedEnd()))`;
const node = `'${process.execPath}' -e '${SAY}'`;

requires('netns')('What ends together with this process', () => {
  const inContainer = (script: string): string => {
    const { stdout, stderr } = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'sh', '-c', script], {
      encoding: 'utf8',
    });
    return stdout.trim() || stderr;
  };

  test('is all that it starts, where it is process 1', () => {
    expect(inContainer(`exec ${node}`)).toBe('this is process 1 of its container');
  });

  test('is the same where process 1 waits for it alone', () => {
    expect(inContainer(`${node}; true`)).toBe('process 1 of the container (sh) ends with the server');
    expect(inContainer(`sh -c "exec 3>&1; ${node.replaceAll('"', '\\"')} >&3; true"; true`)).toBe(
      'process 1 of the container (sh) ends with the server',
    );
  });

  test('may be all of a container whose process 1 is of others, where it was started from outside', () => {
    const script = `unshare --pid --fork --mount-proc sleep 30 & outer=$!
      until first=$(pgrep -P $outer); do sleep 0.05; done
      in_it() { nsenter --target "$first" --pid --mount "$@"; }
      in_it ${node}; in_it sh -c "${node.replaceAll('"', '\\"')}; true"; kill -KILL "$first"`;
    const { stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    expect(stdout.trim().split('\n'), stderr).toEqual([
      'this was started from outside of its container, which may end with it',
      'null',
    ]);
  });
});

test('is nothing on this machine, outside of containers', () => {
  const { stdout } = spawnSync(process.execPath, ['-e', SAY], { encoding: 'utf8' });
  // In a container, or a unit of systemd, where the tests may run too, it says so.
  expect(stdout.trim()).toMatch(/^(null|.*(container|systemd).*)$/);
});
