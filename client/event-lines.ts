import { ProtocolError } from './errors.ts';
import type { RuntimeEvent } from './openapi.ts';

/**
 * The events in a stream of server-sent events (WHATWG HTML, 9.2), as Runwire writes them: `data:` is one line, and no line
 * break of any reader is within it. What is no whole line when the stream ends is not told.
 */
export async function* eventsIn(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<RuntimeEvent[], void, void> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';
  for await (const part of bytes) {
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    const events = lines.filter((line) => line.startsWith('data: ')).map(parsed);
    if (events.length > 0) yield events;
  }
}

function parsed(line: string): RuntimeEvent {
  try {
    return JSON.parse(line.slice(6));
  } catch (cause) {
    throw new ProtocolError('a line of the events is not JSON', { code: 'unexpected_answer', cause });
  }
}
