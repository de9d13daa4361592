import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { RunwireError } from '../../src/documents/errors.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';

/** How long the other side has to take the answer and close, ms. */
const LINGER_MS = 1000;

const REQUEST_LINE = /^[\w!#$%&'*+\-.^`|~]+ \S+ HTTP\/\d\.\d\r?$/;
/** The parser stopped behind a version that is spoken. */
const SPOKEN = / HTTP\/1\.[01]\n$/;
const REQUEST_LINE_BEGUN = /^[A-Z-]+ \S*$/;
const REQUEST_LINE_ENDED = /^\S+ HTTP\/\d\.\d\r?$/;

/** What Node tells of bytes that are no request; `rawPacket`, a Buffer, came last, `bytesParsed` of it were understood. */
type ParseError = Error & { code?: string; bytesParsed?: number; rawPacket?: unknown };

/** To the newest request of each connection. */
const newest = new WeakMap<Duplex, ServerResponse>();
/** Connections of which the end is decided: Node complains again at each byte more. */
const ending = new WeakSet<Duplex>();

/**
 * Answers what is not, or not yet, an HTTP request: there is no request to answer, only a socket. Answers to requests
 * before it on the connection go first; one that is under way to the very request that broke off is not added to.
 */
export function answerBrokenRequest(error: ParseError, socket: Duplex): void {
  // More after a request that is to be the last of its connection: nobody asked for an answer.
  if (error.code === 'HPE_CLOSED_CONNECTION' || ending.has(socket)) return;
  ending.add(socket);
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const before = newest.get(socket);
  const say = (): void => answer(socket, brokenRequest(error));
  if (before === undefined || before.closed) say();
  else if (before.req.complete || before.writableEnded)
    before.once('close', () => {
      if (before.req.complete && socket.writable) say();
      else socket.destroy();
    });
  else if (before.headersSent || before.socket === null) socket.destroy();
  else say();
}

/** Learns which requests are answered on a connection; and refuses tunnels, for which Node hands the connection over. */
export function watchConnections(server: Server): void {
  server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    if (response.req.socket) newest.set(response.req.socket, response);
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    answer(socket, new RunwireError('not_implemented', 'This server is no proxy.'));
  });
}

function answer(socket: Duplex, error: RunwireError): void {
  const problem = problemOf(error, '/');
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
  );
  // What still comes is taken, or the system would answer it with a reset and take our answer back.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

function brokenRequest(error: ParseError): RunwireError {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RunwireError('request_timeout', 'The header took too long to arrive.');
    case 'HPE_HEADER_OVERFLOW':
      return isRequestLine(lineOf(error))
        ? new RunwireError('target_too_long', 'The request target is too long.')
        : new RunwireError('header_too_large', 'The header is too large.');
    case 'HPE_INVALID_METHOD':
      if (REQUEST_LINE.test(lineOf(error)))
        return new RunwireError('not_implemented', 'This server does not know the method.');
      break;
    case 'HPE_INVALID_VERSION':
      if (SPOKEN.test(parsedOf(error)))
        return new RunwireError('bad_request', 'Lines must end with CR LF (RFC 9112, 2.2).');
      return new RunwireError('version_not_supported', 'Only HTTP/1.1 and HTTP/1.0 are spoken here.');
    case 'HPE_PAUSED_H2_UPGRADE':
      return new RunwireError('version_not_supported', 'Only HTTP/1.1 and HTTP/1.0 are spoken here.');
  }
  return new RunwireError('bad_request', 'The bytes received are not an HTTP request.');
}

/** A part of one, where not all of it came together. In doubt it is a header's. */
function isRequestLine(line: string): boolean {
  return REQUEST_LINE.test(line) || REQUEST_LINE_BEGUN.test(line) || REQUEST_LINE_ENDED.test(line);
}

/** What the parser has taken of what came last. */
function parsedOf({ rawPacket, bytesParsed = 0 }: ParseError): string {
  return Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1', 0, bytesParsed) : '';
}

/** The line in which the parser stopped, as far as it is in what came last. */
function lineOf({ rawPacket, bytesParsed = 0 }: ParseError): string {
  const text = Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1') : '';
  const start = text.lastIndexOf('\n', bytesParsed - 1) + 1;
  return text.slice(start).split('\n', 1)[0] ?? '';
}
