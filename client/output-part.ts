import type { Connection } from './connection.ts';
import { firstBytes } from './first-bytes.ts';
import type { OutputOptions } from './output.ts';

export interface PartOptions extends Omit<OutputOptions, 'follow' | 'offset'> {
  /** The first byte; from the end where it is negative. Default 0. */
  from?: number | undefined;
  /** So many bytes at most. */
  most: number;
}

/** Some of the output that is there now. */
export interface OutputPart {
  /** Of its first byte. */
  offset: number;
  bytes: Uint8Array;
  /** All that there was when it was asked for. */
  total: number;
}

/** No more is asked of the server than is given. Throws whatever the server refuses with. */
export async function readPart(
  connection: Connection,
  path: string,
  { stream = 'both', phase = 'command', from = 0, most, signal }: PartOptions,
): Promise<OutputPart> {
  const query = { ...(phase === 'setup' && { phase }) };
  // What goes on has no length as a whole; each of its streams has.
  const sizes = (['stdout', 'stderr'] as const)
    .filter((name) => stream === 'both' || stream === name)
    .map((name) =>
      connection.ask({ method: 'HEAD', path: `${path}/${name}`, query, signal }, async (exchange) => {
        exchange.close();
        return Number(exchange.response.headers.get('content-length') ?? 0);
      }),
    );
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  const offset = from < 0 ? Math.max(0, total + from) : Math.min(from, total);
  const length = Math.min(most, total - offset);
  if (length === 0) return { offset, bytes: new Uint8Array(0), total };
  const call = {
    path: `${path}/${stream === 'both' ? 'output' : stream}`,
    query: { ...query, offset },
    headers: { range: `bytes=0-${length - 1}` },
    signal,
  };
  const { idleSeconds } = connection.settings;
  const bytes = await connection.ask(call, (exchange) => firstBytes(exchange, length, idleSeconds));
  // Of what goes on, bytes of a character whose end is still to come are counted, and not told.
  return { offset, bytes, total: bytes.length < length ? offset + bytes.length : total };
}
