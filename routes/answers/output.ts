import type { FastifyReply } from 'fastify';
import { isFinal } from '../../src/documents/result.ts';
import { BYTES_TYPE, negotiate, TEXT_TYPE } from '../requests/negotiation.ts';
import type { Edge } from './edge.ts';
import { joinedOutput } from './joined-output.ts';

/** Bytes unless the client prefers text: output need not be UTF-8, and a browser should save it. */
export function outputType(accept: string | undefined): string {
  return negotiate(accept, [BYTES_TYPE, TEXT_TYPE]) === TEXT_TYPE ? 'text/plain; charset=utf-8' : BYTES_TYPE;
}

/**
 * The output of a run as it comes, both streams in order of arrival, for a terminal. Nothing but
 * the program's bytes is in the body, none of the setup's; how it ended is in the trailers Runwire-Status and
 * Runwire-Exit-Code, which HTTP/1.0 has not, and in the record that Location names.
 */
export function sendLiveText({ engine, exchanges }: Edge, reply: FastifyReply, id: string): Promise<void> {
  const log = engine.log(id);
  const body = joinedOutput(log, 'command', true);
  const read = (): Record<string, string> => {
    if (!engine.has(id) || !isFinal(engine.status(id))) return {};
    const exitCode = engine.record(id).result?.exit_code;
    return {
      'Runwire-Status': engine.status(id),
      ...(typeof exitCode === 'number' && { 'Runwire-Exit-Code': String(exitCode) }),
    };
  };
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  };
  const trailers = { names: ['Runwire-Status', 'Runwire-Exit-Code'], read };
  const ends = (): boolean => log.lastSeq !== null;
  return engine.reading(id, () => exchanges.send(reply, { status: 200, headers, ends, body, trailers }));
}
