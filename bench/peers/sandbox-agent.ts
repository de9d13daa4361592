import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Installer, npmProgram, npmVersion } from '../install.ts';
import { Absent, freePort, httpRequest, type Peer, start, stop, untilListening } from '../peer.ts';

/** Rivet's sandbox-agent, the binary for Linux on x86-64: one request runs a program and answers with its output. */
export async function sandboxAgent(directory: string, installer: Installer): Promise<Peer> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Absent('sandbox-agent is measured on Linux on x86-64 only');
  const folder = await installer.npm('@sandbox-agent/cli-linux-x64');
  const program = npmProgram(folder, 'bin/sandbox-agent');
  const home = join(directory, 'sandbox-agent');
  mkdirSync(home, { recursive: true });
  const port = await freePort();
  const log = join(directory, 'sandbox-agent.log');
  const argv = [
    program,
    'server',
    '--no-token',
    '--no-telemetry',
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
  ];
  // What it keeps, it keeps in the temporary place.
  const env = { PATH: process.env.PATH, HOME: home, SANDBOX_AGENT_LOG_DIR: home };
  const child = start(argv as [string, ...string[]], log, env);
  await untilListening(child, log, port);
  const name = 'sandbox-agent';
  return {
    name,
    version: npmVersion(folder),
    port,
    pids: () => [child.pid ?? 0],
    targets: ({ command: [command, ...args], lastLine }) => [
      {
        name,
        request: httpRequest(port, '/v1/processes/run', { command, args, cwd: '/tmp' }),
        expect: lastLine || '"exitCode":0',
      },
    ],
    stop: () => stop(child),
  };
}
