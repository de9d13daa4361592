import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Installer } from '../install.ts';
import { Absent, freePort, httpRequest, type Peer, start, stop, untilListening } from '../peer.ts';
import { CGI_HEAD, tenKilobytes } from '../program.ts';

/**
 * lighttpd with mod_cgi, one process as Debian starts it. A CGI program has to print a head before its output. For
 * output that is /bin/cat, as for the others, of a file that begins with one. /bin/true cannot: in its place is a C program,
 * linked dynamically as it is, that writes the head and ends; without a C compiler it is /bin/cat, and the name says so.
 */
export async function lighttpd(directory: string, installer: Installer): Promise<Peer> {
  const { path, root } = await installer.debian('lighttpd');
  const documents = join(directory, 'lighttpd');
  mkdirSync(documents, { recursive: true });
  writeFileSync(join(documents, 'output.txt'), CGI_HEAD + tenKilobytes());
  writeFileSync(join(documents, 'nothing.txt'), `${CGI_HEAD}ok\n`);
  const compiled = await compile(installer, join(documents, 'true.cgi'));
  const port = await freePort();
  const config = join(directory, 'lighttpd.conf');
  writeFileSync(
    config,
    `server.modules = ("mod_cgi")
server.document-root = "${documents}"
server.bind = "127.0.0.1"
server.port = ${port}
server.max-keep-alive-requests = 100000000
cgi.assign = (".cgi" => "", ".txt" => "/bin/cat")
`,
  );
  const log = join(directory, 'lighttpd.log');
  const modules = root === '' ? [] : ['-m', join(root, 'usr/lib/lighttpd')];
  const child = start([path, '-D', '-f', config, ...modules], log);
  await untilListening(child, log, port);
  const name = 'lighttpd mod_cgi';
  return {
    name,
    version: /\/(\S+)/.exec(execFileSync(path, ['-v'], { encoding: 'utf8' }))?.[1] ?? 'unknown',
    port,
    pids: () => [child.pid ?? 0],
    targets: ({ lastLine }) => {
      if (lastLine !== '') return [{ name, request: httpRequest(port, '/output.txt'), expect: lastLine }];
      return compiled
        ? [{ name, request: httpRequest(port, '/true.cgi'), expect: 'ok' }]
        : [{ name: `${name} (cat)`, request: httpRequest(port, '/nothing.txt'), expect: 'ok' }];
    },
    stop: () => stop(child),
  };
}

async function compile(installer: Installer, to: string): Promise<boolean> {
  try {
    copyFileSync(await installer.compile('true.c'), to);
    return true;
  } catch (error) {
    if (error instanceof Absent) return false;
    throw error;
  }
}
