import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 50;
/** Only a server that does not come back is waited for so long. */
const GIVE_UP_MS = 90_000;

/** How often requests were broken off, over all of a soak. */
export interface Breaks {
  requests: number;
  /** Streams that were taken up again. */
  resumes: number;
  /** Claims that were asked for and not answered. */
  claims: number;
}

/** A request that is made until it is answered, whole. Throws at an answer that says the server is at fault. */
export async function insist(
  url: string,
  init: RequestInit,
  breaks: Breaks,
): Promise<{ response: Response; text: string }> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  for (;;) {
    try {
      const response = await fetch(url, init);
      return { response, text: await answerOf(url, response) };
    } catch (error) {
      if (error instanceof ServerFault || Date.now() > giveUpAt) throw error;
      breaks.requests++;
      await sleep(PAUSE_MS);
    }
  }
}

/** An answer that no client of a healthy server should get. */
class ServerFault extends Error {}

async function answerOf(url: string, response: Response): Promise<string> {
  const text = await response.text();
  if (response.status >= 500 || response.status === 429)
    throw new ServerFault(`${url} answered ${response.status}: ${text}`);
  return text;
}

export function postJson(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}
