import type { Server } from 'node:http';

/** Where a server listens, for those on the same machine; before it listens, where it will. */
export function addressOf(server: Server, { host, port }: { host: string; port: number }): string {
  const bound = server.address();
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${typeof bound === 'object' && bound ? bound.port : port}`;
}
