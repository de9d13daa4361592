/** setTimeout counts to 2^31 − 1 ms; a run may wait longer. Monotonic, as Node's timers are. */
export const LONGEST_MS = 2 ** 31 - 1;

/** Call back after `ms`, however long that is. Returns how to take it back. */
export function afterMs(ms: number, callback: () => void): () => void {
  const due = performance.now() + ms;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const left = due - performance.now();
    timer =
      left > LONGEST_MS ? setTimeout(arm, LONGEST_MS) : setTimeout(callback, Math.max(0, Math.ceil(left)));
  };
  arm();
  return () => clearTimeout(timer);
}
