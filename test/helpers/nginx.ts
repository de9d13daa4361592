import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './require.ts';

export interface Nginx {
  /** The socket it listens on. */
  socket: string;
  end(): Promise<void>;
}

/** An nginx that is told nothing but where to pass requests on to, with all its files in a directory of its own. */
export async function startNginx(origin: string): Promise<Nginx> {
  const prefix = mkdtempSync(join(tmpdir(), 'runwire-nginx-'));
  const socket = join(prefix, 'http.sock');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = `
    daemon off;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    pid ${prefix}/nginx.pid;
    error_log ${prefix}/error.log;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${prefix}/${name};`).join('\n')}
      server { listen unix:${socket}; location / { proxy_pass ${origin}; } }
    }`;
  writeFileSync(join(prefix, 'nginx.conf'), config);
  const file = findProgram('nginx') ?? 'nginx';
  const words = ['-p', prefix, '-c', join(prefix, 'nginx.conf'), '-e', join(prefix, 'error.log')];
  const child = spawn(file, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const exited = once(child, 'exit');
  while (!(await listens(socket))) {
    if (child.exitCode !== null) throw new Error(`nginx does not start: ${said}`);
    await sleep(10);
  }
  return {
    socket,
    async end() {
      child.kill('SIGTERM');
      await exited;
      rmSync(prefix, { recursive: true, force: true });
    },
  };
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
