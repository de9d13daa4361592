import { EventEmitter } from 'node:events';
import type { FastifyReply } from 'fastify';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import type { Upgrade } from '../requests/upgrades.ts';
import type { Taker } from './pump.ts';

/** One message. Bytes. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Proxies close what is silent, mostly after a minute. */
const PING_EVERY_MS = 15_000;
/** How long the other side has to take leave when the server stops. */
const CLOSE_PATIENCE_MS = 1000;

/** Why a socket is closed: RFC 6455, 7.4.1. */
export const CLOSE = { done: 1000, leaving: 1001, notText: 1007, refused: 1008, failed: 1011 } as const;

/** What ws finds by itself, in words. */
const REASONS: Readonly<Record<number, string>> = {
  1002: 'the bytes are no WebSocket frames',
  1007: 'the text is not UTF-8',
  1008: 'the message has too many parts',
  1009: `a message may have ${MAX_MESSAGE_BYTES} bytes`,
};

class ToldSocket extends WebSocket {
  override close(code?: number, reason: string | Buffer = (code && REASONS[code]) || ''): void {
    super.close(code, reason);
  }
}

/** All WebSockets of the server: they are kept awake, and end with it. */
export class Sockets {
  readonly #open = new Set<ToldSocket>();
  readonly #server = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES },
    WebSocket: ToldSocket,
  });
  #closing = false;

  /** Says yes to the request. Null: the client has gone. */
  accept(reply: FastifyReply, { request, socket, head }: Upgrade): WebSocket | null {
    reply.hijack();
    const { raw: response } = reply;
    response.detachSocket(request.socket);
    let accepted: ToldSocket | null = null;
    this.#server.handleUpgrade(request, socket, head, (websocket) => {
      accepted = websocket;
    });
    response.emit('close'); // there will be no answer
    if (accepted !== null) this.#keep(accepted);
    return accepted;
  }

  /** Who is there is told that the server leaves, and may come again. */
  close(): void {
    this.#closing = true;
    for (const socket of this.#open) {
      socket.close(CLOSE.leaving, 'the server is stopping');
      setTimeout(() => socket.terminate(), CLOSE_PATIENCE_MS).unref();
    }
  }

  #keep(socket: ToldSocket): void {
    this.#open.add(socket);
    const pinging = setInterval(() => socket.readyState === WebSocket.OPEN && socket.ping(), PING_EVERY_MS);
    socket.on('error', () => {}); // its close tells
    socket.once('close', () => {
      clearInterval(pinging);
      this.#open.delete(socket);
    });
    if (this.#closing) this.close();
  }
}

/** The binary frames of a socket, as a pump writes them. */
export class SocketTaker extends EventEmitter implements Taker {
  readonly #socket: WebSocket;
  readonly #stream: Upgrade['socket'];

  constructor(socket: WebSocket, { socket: stream }: Upgrade) {
    super();
    this.#socket = socket;
    this.#stream = stream;
    stream.on('drain', () => this.emit('drain'));
  }

  get writableNeedDrain(): boolean {
    return this.#stream.writableNeedDrain;
  }

  write(bytes: Buffer, done: (error?: Error | null) => void): void {
    this.#socket.send(bytes, { binary: true }, done);
  }

  destroy(): void {
    this.#socket.terminate();
  }
}

/** A message is one Buffer, unless a socket is told otherwise. */
export const bytesOf = (data: RawData): Buffer => data as Buffer;
