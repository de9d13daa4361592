export interface Asked {
  /** Ends the call, and what it waits for; its reason is thrown. It ends no run: cancel() does. */
  signal?: AbortSignal | undefined;
}
