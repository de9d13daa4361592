import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Runwire } from '../../client/runwire.ts';
import { runwire, type Started } from '../helpers/command-line.ts';
import { type ServerProcess, startServer } from '../helpers/server-process.ts';
import { hashOf, treeHere } from '../helpers/tree-here.ts';
import { workingPlace } from '../helpers/working-place.ts';

const place = workingPlace();

/** What a run makes is copied here, and the server killed when `isHalfWay`; then it comes back. */
async function copiedOver(
  script: string,
  isHalfWay: (here: string) => boolean,
): Promise<Started & { here: string }> {
  const started = { server: await startServer(place.at('data')) };
  try {
    const rw = new Runwire({ url: started.server.address });
    const record = await rw.run(
      { runtime_kind: 'subprocess', command: ['sh', '-c', script] },
      { check: true },
    );
    const here = place.at('here');
    const id = record.invocation.invocation_id;
    const copying = runwire(['cp', `${id}:`, here], { RUNWIRE_URL: started.server.address });
    await expect.poll(() => isHalfWay(here), { interval: 5 }).toBe(true);
    await killed(started.server);
    expect(copying.child.exitCode).toBe(null);
    started.server = await startServer(place.at('data'), {
      RUNWIRE_PORT: new URL(started.server.address).port,
    });
    await copying.ended;
    return { ...copying, here };
  } finally {
    await started.server.stop();
  }
}

const killed = (server: ServerProcess) => server.stop('SIGKILL');
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const namesIn = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not made yet
  }
};

test('a file is gone on with where it was when the server was killed', async () => {
  const isHalfWay = (here: string): boolean =>
    namesIn(here).some((name) => name.startsWith('.runwire-') && sizeOf(join(here, name)) > 5_000_000);
  const made = await copiedOver(
    'head -c 150000000 /dev/zero > big; date >> big; sha256sum big > sum',
    isHalfWay,
  );
  expect(await made.ended).toBe(0);
  expect(namesIn(made.here).toSorted()).toEqual(['big', 'sum']);
  const [sum] = readFileSync(join(made.here, 'sum'), 'utf8').split(' ');
  expect(hashOf(readFileSync(join(made.here, 'big')))).toBe(sum);
});

test('of many files those come that had not come, and none is left half', async () => {
  const script = 'for i in $(seq 300); do yes $i | head -c 300000 > f$i; done';
  const isHalfWay = (here: string): boolean => namesIn(here).filter((name) => /^f\d/.test(name)).length > 10;
  const made = await copiedOver(script, isHalfWay);
  expect(await made.ended).toBe(0);
  const tree = treeHere(made.here);
  expect(Object.keys(tree)).toHaveLength(300);
  const expected = Buffer.alloc(300_000, '77\n');
  expect(tree.f77).toBe(`file 644 ${hashOf(expected)}`);
});

test('whoever is interrupted leaves no half file', async () => {
  const server = await startServer(place.at('data'));
  try {
    const rw = new Runwire({ url: server.address });
    const { id } = await rw.workspaces.create();
    const command = ['sh', '-c', 'head -c 150000000 /dev/zero > big'];
    await rw.run({ runtime_kind: 'subprocess', command, options: { workspace: id } }, { check: true });
    const here = place.at('here');
    const pulling = runwire(['workspace', 'pull', id, here], { RUNWIRE_URL: server.address });
    await expect
      .poll(() => namesIn(here).some((name) => name.startsWith('.runwire-')), { interval: 5 })
      .toBe(true);
    pulling.child.kill('SIGINT');
    expect(await pulling.ended).toBe('SIGINT');
    expect(namesIn(here)).toEqual([]);
  } finally {
    await server.stop();
  }
});
