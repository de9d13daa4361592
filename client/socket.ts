/**
 * A WebSocket of the runtime. That of Node takes headers, which is not in the standard: that of a browser cannot carry a token.
 * Throws TypeError where there is none, or it cannot carry the token.
 */
export function openSocket(url: string, token: string | null): WebSocket {
  const { WebSocket: Socket } = globalThis as { WebSocket?: typeof WebSocket };
  if (Socket === undefined) throw new TypeError('this runtime has no WebSocket: Node has one from 22 on');
  const socket = token === null ? new Socket(url) : withToken(Socket, url, token);
  socket.binaryType = 'arraybuffer';
  return socket;
}

function withToken(Socket: typeof WebSocket, url: string, token: string): WebSocket {
  try {
    return new Socket(url, { headers: { authorization: `Bearer ${token}` } });
  } catch (cause) {
    throw new TypeError('the WebSocket of a browser cannot carry a token', { cause });
  }
}
