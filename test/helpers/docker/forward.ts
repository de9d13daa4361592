import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The engine of this machine as one that is reached over the network: a server cannot tell that it has its files. Port 0: any. */
export async function engineElsewhere(host: string, port = 0): Promise<AsyncDisposable & { host: string }> {
  const socket = host === '' ? '/var/run/docker.sock' : host.replace('unix://', '');
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: socket, allowHalfOpen: true });
    for (const one of [client, engine]) {
      sockets.add(one);
      one.on('error', () => {});
      one.once('close', () => sockets.delete(one));
    }
    client.pipe(engine).pipe(client);
    client.once('close', () => engine.destroy());
    engine.once('close', () => client.destroySoon());
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return {
    host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const one of sockets) one.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
