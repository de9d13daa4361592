/** When servers handed their new runs to this supervisor. */
export class ServedTimes {
  /** Closed: a clock that was set back makes one empty. */
  readonly #times: { from: number; to: number }[] = [];
  #since: number | null = null;

  begin(): void {
    this.#since = Date.now();
  }

  /** The server is gone, or another one is there. */
  end(): void {
    if (this.#since !== null) this.#times.push({ from: this.#since, to: Date.now() });
    this.#since = null;
  }

  /** Would an earlier server have handed a run that began at this moment to this supervisor. ms since the epoch. */
  had(moment: number): boolean {
    return this.#times.some(({ from, to }) => from <= moment && moment <= to);
  }
}
