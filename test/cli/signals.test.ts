import { expect, test } from 'vitest';
import { clientServer, TOKEN } from '../helpers/client-server.ts';
import { runwire } from '../helpers/command-line.ts';

const server = clientServer();
const start = async (name: string) => {
  const script = 'trap "echo asked; exit 5" TERM; echo ready; while :; do sleep 0.1; done';
  const variables = { RUNWIRE_URL: server.url, RUNWIRE_TOKEN: TOKEN };
  const command = runwire(['run', '--name', name, '--', 'sh', '-c', script], variables);
  await expect.poll(() => command.stdout().toString()).toBe('ready\n');
  const [record] = await server.rw.list({ runtime_name: name }).toArray(1);
  return { command, run: server.rw.attach(record?.invocation.invocation_id ?? '') };
};

test('SIGTERM cancels a run as Ctrl-C does', async () => {
  const { command, run } = await start('by-sigterm');
  command.child.kill('SIGTERM');
  expect(await command.ended).toBe(130);
  expect(command.stdout().toString()).toBe('ready\nasked\n');
  expect((await run.wait()).status).toBe('cancelled');
});

test.each(['SIGHUP', 'SIGKILL'] as const)('after %s a run goes on', async (signal) => {
  const { command, run } = await start(`after-${signal}`);
  command.child.kill(signal);
  expect(await command.ended).toBe(signal);
  expect((await run.refresh()).status).toBe('running');
  await run.cancel({ graceSeconds: 0 });
});
