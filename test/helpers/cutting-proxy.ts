import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface CuttingProxy extends AsyncDisposable {
  url: string;
  /** Where new connections lead: another port after a restart. */
  to: number;
  /** Connections that were cut while they were open. */
  readonly cuts: number;
}

/** A proxy of TCP that resets every connection after so many ms, whatever is on its way. */
export async function cuttingProxy(to: string, everyMs: number): Promise<CuttingProxy> {
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(proxy.to, '127.0.0.1');
    const cut = (): void => {
      if (!client.destroyed) cuts++;
      end();
    };
    const timer = setTimeout(cut, everyMs);
    const end = (): void => {
      clearTimeout(timer);
      client.resetAndDestroy();
      target.destroy();
      open.delete(client);
    };
    open.add(client);
    for (const socket of [client, target]) socket.on('error', end).on('close', end);
    client.pipe(target).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: Number(new URL(to).port),
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
  return proxy;
}
