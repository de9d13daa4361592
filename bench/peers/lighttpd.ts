import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Absent,
  findProgram,
  freePort,
  httpRequest,
  type Peer,
  start,
  stop,
  untilListening,
} from '../peer.ts';

/**
 * lighttpd with mod_cgi, one process as Debian starts it. A CGI program has to print a head, which /bin/true does not:
 * the fairest is a C program, linked dynamically as /bin/true is, that writes one line and ends. Without a C
 * compiler it is a shell script of one builtin, which is slower; the name says which.
 */
export async function lighttpd(directory: string): Promise<Peer> {
  const program = findProgram('lighttpd');
  if (program === undefined) throw new Absent('lighttpd is not installed');
  const root = join(directory, 'lighttpd');
  mkdirSync(root, { recursive: true });
  const cgi = join(root, 'true.cgi');
  const compiler = findProgram('cc');
  if (compiler === undefined) {
    copyFileSync(join(import.meta.dirname, '../fixtures/true.sh'), cgi);
    chmodSync(cgi, 0o755);
  } else {
    execFileSync(compiler, ['-O2', '-o', cgi, join(import.meta.dirname, '../fixtures/true.c')]);
  }
  const port = await freePort();
  const config = join(root, 'lighttpd.conf');
  writeFileSync(
    config,
    `server.modules = ("mod_cgi")
server.document-root = "${root}"
server.bind = "127.0.0.1"
server.port = ${port}
server.max-keep-alive-requests = 100000000
cgi.assign = (".cgi" => "")
`,
  );
  const log = join(root, 'log');
  const child = start([program, '-D', '-f', config], log);
  await untilListening(child, log, port);
  return {
    name: compiler === undefined ? 'lighttpd mod_cgi (sh)' : 'lighttpd mod_cgi',
    port,
    request: httpRequest(port, '/true.cgi'),
    expect: 'ok',
    stop: () => stop(child),
  };
}
