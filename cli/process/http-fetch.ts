import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Answer, Asking, Fetch } from '../../client/runwire.ts';

/**
 * What the client needs of a fetch, by Node's own HTTP: it is there sooner, and a GB costs it two thirds of the processor time. What it has not to
 * send from memory goes by the global one.
 */
export const httpFetch: Fetch = (address, asking) => {
  const { body } = asking;
  const isHere = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
  return isHere ? ask(address, asking, body) : fetch(address, asking);
};

function ask(address: string, asking: Asking, body: string | Uint8Array | undefined): Promise<Answer> {
  const { method, headers, signal } = asking;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // Not by import, for which Node reads all names of the module, and loads its WebSocket.
    const { request } = process.getBuiltinModule(address.startsWith('https:') ? 'node:https' : 'node:http');
    const asked: ClientRequest = request(address, {
      method,
      headers: { 'accept-encoding': 'identity', ...headers },
    });
    const abort = (): void => void asked.destroy(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    asked.on('error', (error) => reject(signal.aborted ? signal.reason : error));
    asked.once('close', () => reject(new Error('it ended without an answer')));
    asked.once('response', (message) => {
      signal.removeEventListener('abort', abort);
      resolve(answerOf(message, signal));
    });
    asked.end(body);
  });
}

function answerOf(message: IncomingMessage, signal: AbortSignal): Answer {
  const { statusCode: status = 0, headers } = message;
  message.on('error', () => {}); // it is thrown to who reads
  const abort = (): void => void message.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  message.once('close', () => signal.removeEventListener('abort', abort));
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: { get: (name) => textOf(headers[name]) },
    body: message,
  };
}

const textOf = (value: string | string[] | undefined): string | null =>
  Array.isArray(value) ? value.join(', ') : (value ?? null);
