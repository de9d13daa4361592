import type { Fetch } from '../../client/runwire.ts';
import { httpFetch } from './http-fetch.ts';
import { say } from './say.ts';
import { spinner } from './spinner.ts';

/** A server that is away for so long is spoken of. */
const SILENT_MS = 3000;

/** Was the server there when it was asked last. */
export const reach = { isAway: false };

/** How much later it is there than here, in ms. */
let aheadMs = 0;

/** What the clock of the server says, as far as it has told: its `Date` has whole seconds. */
export const serverNow = (): number => Date.now() + aheadMs;

/** fetch that says, once, that the server has been away for a while, and when it is back. */
export function watchedFetch(silentMs = SILENT_MS): Fetch {
  let timer: NodeJS.Timeout | null = null;
  let isTold = false;
  const away = (): void => {
    reach.isAway = true;
    timer ??= setTimeout(() => {
      if (spinner.isTelling) return; // it says so
      isTold = true;
      say('the server is not reached: trying again');
    }, silentMs).unref();
  };
  const there = (): void => {
    reach.isAway = false;
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (isTold) say('the server is back');
    isTold = false;
  };
  return async (address, asking) => {
    try {
      const response = await httpFetch(address, asking);
      const date = Date.parse(response.headers.get('date') ?? '');
      if (!Number.isNaN(date)) aheadMs = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
      if (response.status >= 502 && response.status <= 504) away();
      else there();
      return response;
    } catch (error) {
      if (!asking.signal.aborted) away();
      throw error;
    }
  };
}
