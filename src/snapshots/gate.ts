/**
 * Many may hold what one takes away: the one works only while nobody holds, and who comes meanwhile waits. Who comes while
 * it still waits itself is let in, so that holding twice, one in the other, is never a deadlock.
 */
export class Gate {
  #holding = 0;
  #taking: Promise<unknown> | null = null;
  #free: (() => void)[] = [];

  /** Resolves when it is held; call the result once, to let go. */
  async hold(): Promise<() => void> {
    while (this.#taking !== null) await this.#taking.catch(() => {});
    this.#holding++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#holding === 0) for (const free of this.#free.splice(0)) free();
    };
  }

  async holding<T>(work: () => Promise<T>): Promise<T> {
    const letGo = await this.hold();
    try {
      return await work();
    } finally {
      letGo();
    }
  }

  async taking<T>(work: () => Promise<T>): Promise<T> {
    while (this.#holding > 0 || this.#taking !== null)
      await (this.#taking ?? new Promise<void>((free) => this.#free.push(free))).catch(() => {});
    const done = work();
    this.#taking = done;
    try {
      return await done;
    } finally {
      this.#taking = null;
    }
  }
}
