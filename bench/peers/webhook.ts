import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Installer } from '../install.ts';
import { freePort, httpRequest, type Peer, type Program, start, stop, untilListening } from '../peer.ts';

/** webhook, with a hook for each program that runs it and answers with its output when it has ended. */
export async function webhook(
  directory: string,
  installer: Installer,
  programs: readonly Program[],
): Promise<Peer> {
  const { path } = await installer.debian('webhook');
  const hooks = join(directory, 'hooks.json');
  writeFileSync(hooks, JSON.stringify(programs.map(hookOf)));
  const port = await freePort();
  const log = join(directory, 'webhook.log');
  const child = start([path, '-hooks', hooks, '-ip', '127.0.0.1', '-port', String(port)], log);
  await untilListening(child, log, port);
  return {
    name: 'webhook',
    version: /([\d.]+)/.exec(execFileSync(path, ['-version'], { encoding: 'utf8' }))?.[1] ?? 'unknown',
    port,
    pids: () => [child.pid ?? 0],
    targets: (program) => [
      {
        name: 'webhook',
        request: httpRequest(port, `/hooks/${idOf(program)}`, {}),
        expect: program.lastLine,
      },
    ],
    stop: () => stop(child),
  };
}

const idOf = ({ name }: Program) => name.replaceAll(/\W+/g, '-');

function hookOf(program: Program): object {
  const [file, ...args] = program.command;
  return {
    id: idOf(program),
    'execute-command': file,
    'pass-arguments-to-command': args.map((name) => ({ source: 'string', name })),
    'command-working-directory': '/tmp',
    'include-command-output-in-response': true,
  };
}
