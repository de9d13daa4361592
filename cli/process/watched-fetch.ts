import { say } from './say.ts';

/** A server that is away for so long is spoken of. */
const SILENT_MS = 3000;

/** fetch that says, once, that the server has been away for a while, and when it is back. */
export function watchedFetch(silentMs = SILENT_MS): typeof fetch {
  let timer: NodeJS.Timeout | null = null;
  let isTold = false;
  const away = (): void => {
    timer ??= setTimeout(() => {
      isTold = true;
      say('the server is not reached: trying again');
    }, silentMs).unref();
  };
  const there = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (isTold) say('the server is back');
    isTold = false;
  };
  return async (address, init) => {
    try {
      const response = await fetch(address, init);
      if (response.status >= 502 && response.status <= 504) away();
      else there();
      return response;
    } catch (error) {
      if (!init?.signal?.aborted) away();
      throw error;
    }
  };
}
