import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RunwireError } from '../../src/documents/errors.ts';

/** A connection that a request would have spoken otherwise from here on. */
export interface Upgrade {
  request: IncomingMessage;
  socket: Duplex;
  /** What came behind the request. */
  head: Buffer;
}

/** The one resource that is spoken to so; what else asks for an upgrade is answered as if it had not. */
const UPGRADED = /^[^?]*\/invocations\/[^/?]+\/terminal(?:\?|$)/;
const KEY = /^[+/\dA-Za-z]{22}==$/;

/** Node older than 22.21, and 24 before 24.9, would hand over whatever asks for any upgrade. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const canChoose = major > 24 || (major === 24 && minor >= 9) || (major === 22 && minor >= 21);

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

export function isForUpgrade({ method, url = '', headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && UPGRADED.test(url);
}

/**
 * Requests for a WebSocket go the way of all requests, so that who may ask, and what is wrong, is answered as anywhere. What
 * has been sent ahead of them on their connection is answered before. Returns how all such connections end at once, which Node
 * does not count any more.
 */
export function takeUpgrades(server: Server): () => void {
  const open = new Set<Duplex>();
  const destroy = (): void => {
    for (const socket of open) socket.destroy();
  };
  if (!canChoose) return destroy;
  const newest = new WeakMap<Duplex, ServerResponse>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    newest.set(request.socket, response),
  );
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy()); // it is gone
    const before = newest.get(socket);
    const begin = (): void => {
      if (!socket.writable) return;
      upgrades.set(request, { request, socket, head });
      server.emit('request', request, answerOn(request, socket));
    };
    if (before === undefined || before.closed) begin();
    else before.once('close', begin);
  });
  return destroy;
}

/** What the connection may become. Throws upgrade_required, not_implemented, bad_request; says through `header` what is missing. */
export function upgradeOf({ raw }: FastifyRequest, header: (name: string, value: string) => void): Upgrade {
  if (!canChoose)
    throw new RunwireError(
      'not_implemented',
      'Terminals need a server that runs on Node 22.21, 24.9 or later.',
    );
  const upgrade = upgrades.get(raw);
  const { 'sec-websocket-key': key, 'sec-websocket-version': version } = raw.headers;
  if (upgrade === undefined || version !== '13') {
    header('upgrade', 'websocket');
    header('sec-websocket-version', '13');
    throw new RunwireError('upgrade_required', 'Ask for a WebSocket of version 13 here (RFC 6455).');
  }
  if (key === undefined || !KEY.test(key))
    throw new RunwireError('bad_request', 'The Sec-WebSocket-Key header must be 16 bytes of base64.');
  upgrades.delete(raw);
  return upgrade;
}

/**
 * Node has thrown away what came behind a request that asked for an upgrade and got none: its connection ends with the answer,
 * so that who sent requests ahead knows that they have none (RFC 9112, 9.3.2).
 */
export function endAfterUpgrade({ raw: { headers } }: FastifyRequest, reply: FastifyReply): void {
  if (headers.upgrade !== undefined && /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(headers.connection ?? ''))
    reply.header('connection', 'close');
}

/** The last answer of the connection, unless it is upgraded. */
function answerOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket); // what Node gives an HTTP server
  response.once('finish', () => {
    response.detachSocket(socket as Socket);
    (socket as Socket).destroySoon();
  });
  return response;
}
