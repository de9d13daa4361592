import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  /** By lower-case name; of repeated ones the last. */
  headers: Record<string, string>;
  body: string;
  /** All that came, as latin1. */
  text: string;
}

/** Sends exactly these bytes on a connection of their own and gives what came until the server closed it. */
export async function sendRaw(origin: string, bytes: string | Buffer): Promise<RawAnswer> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1').setEncoding('latin1');
  await once(socket, 'connect');
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return parsed(text);
}

/** A whole request with this line: `Host` and `Connection: close` are added, and a length where there is a body. */
export function ask(
  origin: string,
  line: string,
  headers: readonly string[] = [],
  body = '',
): Promise<RawAnswer> {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const lines = [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...length, ...headers, '', body];
  return sendRaw(origin, lines.join('\r\n'));
}

/** The answer that these bytes are, latin1. */
export function parsed(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...fields] = text.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    fields.map((field) => [
      field.slice(0, field.indexOf(':')).toLowerCase(),
      field.slice(field.indexOf(':') + 1).trim(),
    ]),
  );
  return { status: Number(line.split(' ')[1] ?? 0), headers, body: text.slice(end + 4), text };
}
