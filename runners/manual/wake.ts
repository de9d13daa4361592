/** Those who wait for one thing to happen. A wait leaves nothing behind when it ends. */
export class Wake {
  readonly #waiting = new Set<() => void>();

  /** Resolves at `wake`, after `ms`, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end, { once: true });
      this.#waiting.add(end);
      if (signal.aborted) end();
    });
  }

  wake(): void {
    for (const end of [...this.#waiting]) end();
  }
}
