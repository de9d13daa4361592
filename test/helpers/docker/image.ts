import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pack } from 'tar-stream';
import { findProgram } from '../require.ts';

/** Names of programs that the image's one binary is called by. */
const PROGRAMS = [
  'sh base64 cat echo env false head id kill ln ls mkdir mkfifo nc printf ps pwd sha256sum sleep sync tail test touch true',
  'tr uname grep wc wget yes dd mknod chmod stat readlink ip date seq trap',
].flatMap((line) => line.split(' '));

export interface ImageOptions {
  /** `docker import --change`: e.g. `ENTRYPOINT ["/bin/echo"]`. */
  changes?: readonly string[];
  /** The command-line client's environment. */
  env?: NodeJS.ProcessEnv;
}

/**
 * A small image made of this machine's static busybox, for nothing can be pulled. Made once for each content; returns
 * its name. /bin has the programs, /etc/passwd root and app (1000), /tmp is writable for all.
 */
export async function testImage({ changes = [], env = process.env }: ImageOptions = {}): Promise<string> {
  const busybox = findProgram('busybox');
  if (busybox === undefined) throw new Error('the test image needs busybox-static');
  const binary = readFileSync(busybox);
  const passwd = 'root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n';
  const digest = createHash('sha256')
    .update(binary)
    .update(passwd)
    .update(PROGRAMS.join())
    .update(changes.join('\n'));
  const name = `runwire-test:${digest.digest('hex').slice(0, 16)}`;
  if (spawnSync('docker', ['image', 'inspect', name], { env, stdio: 'ignore' }).status === 0) return name;
  const tar = pack();
  tar.entry({ name: 'bin/busybox', mode: 0o755 }, binary);
  for (const program of PROGRAMS) tar.entry({ name: `bin/${program}`, type: 'symlink', linkname: 'busybox' });
  tar.entry({ name: 'etc/passwd' }, passwd);
  tar.entry({ name: 'tmp/', type: 'directory', mode: 0o1777 });
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  const args = ['import', ...changes.flatMap((change) => ['--change', change]), '-', name];
  const { status, stderr } = spawnSync('docker', args, {
    env,
    input: Buffer.concat(chunks),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`docker import: ${stderr}`);
  return name;
}

/** The engine the tests run on, as RUNWIRE's configuration takes it. */
export const DOCKER_HOST = process.env.DOCKER_HOST ?? '';

/** Ids of the containers that a run left, running or not. */
export function containersOf(invocationId: string, env = process.env): string[] {
  return listed(['ps', '-aq'], invocationId, env);
}

/** Names of the volumes that it left. */
export function volumesOf(invocationId: string, env = process.env): string[] {
  return listed(['volume', 'ls', '-q'], invocationId, env);
}

function listed(what: string[], invocationId: string, env: NodeJS.ProcessEnv): string[] {
  const args = [...what, '--filter', `label=runwire.invocation_id=${invocationId}`];
  const { stdout, stderr, status } = spawnSync('docker', args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`docker ${what[0]}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}
