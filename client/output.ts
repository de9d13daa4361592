import type { Connection } from './connection.ts';
import { ConnectionError, IntegrityError } from './errors.ts';
import type { Record } from './openapi.ts';
import { Patience } from './patience.ts';

export interface OutputOptions {
  /** Default: both, in order of arrival. */
  stream?: 'stdout' | 'stderr' | 'both' | undefined;
  /** Default: what the command wrote. */
  phase?: 'setup' | 'command' | undefined;
  /** Bytes that are known already. Default 0. */
  offset?: number | undefined;
  /** false: what is there now. Default: until the run has finished. */
  follow?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The bytes that a run wrote and the server keeps, exact, however often the connection breaks. Throws IntegrityError where fewer came than were
 * kept, and whatever the server refuses with.
 */
export async function* readOutput(
  connection: Connection,
  path: string,
  run: { record: Record | null },
  { stream = 'both', phase = 'command', offset = 0, follow = true, signal }: OutputOptions = {},
): AsyncGenerator<Uint8Array, void, void> {
  const { idleSeconds, resumeSeconds } = connection.settings;
  const patience = new Patience(resumeSeconds, signal);
  for (let position = offset; ; ) {
    try {
      const exchange = await connection.open({
        path: `${path}/${stream === 'both' ? 'output' : stream}`,
        query: {
          ...(follow && { follow }),
          ...(phase === 'setup' && { phase }),
          ...(position > 0 && { offset: position }),
        },
        signal,
      });
      for await (const part of exchange.bytes(idleSeconds)) {
        patience.renew();
        position += part.length;
        yield part;
        signal?.throwIfAborted();
      }
      if (!follow) return;
      // A proxy may end in order what broke behind it.
      if (run.record?.result == null)
        run.record = await connection.json<Record>({ path, retrySeconds: 0, signal });
      const { outcome } = run.record;
      const whole = outcome && keptOf(outcome, stream, phase);
      if (whole !== null && position >= whole) return expectLength(position, whole);
      throw new ConnectionError('the output ended before the run', { code: 'connection_lost' });
    } catch (error) {
      signal?.throwIfAborted();
      await patience.after(error);
    }
  }
}

function keptOf(
  outcome: NonNullable<Record['outcome']>,
  stream: 'stdout' | 'stderr' | 'both',
  phase: 'setup' | 'command',
): number {
  const channels = [
    stream !== 'stderr' && (phase === 'setup' ? outcome.setup_stdout : outcome.stdout),
    stream !== 'stdout' && (phase === 'setup' ? outcome.setup_stderr : outcome.stderr),
  ];
  return channels.reduce((sum, facts) => sum + (facts ? facts.kept : 0), 0);
}

function expectLength(came: number, kept: number): void {
  if (came > kept) throw new IntegrityError(`${came} bytes came of ${kept}`, { code: 'length_mismatch' });
}
