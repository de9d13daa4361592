/** What a kind keeps for a session beside its workspace: a container, processes that its setup left. */
export interface SessionHost {
  /** What is said once, for all runs of the session. Absent: nothing. */
  readonly owns?: {
    /** Of its own options (`options.<optionKey>`) a run in a session may say these alone. */
    readonly optionsOfRun: readonly string[];
    /** Names in `options.limits` that no run in a session may say. */
    readonly limits: readonly string[];
  };
  /**
   * Whatever is there for these generations of the session goes. Idempotent; resolves when nothing is left, rejects, in
   * words, when that cannot be had now: it is asked again. No run of the session is unfinished.
   */
  end(session: EndedSession): Promise<void>;
  /**
   * Is what the session needs still there, so that a run could begin. Null: it is; else why not, in words. Asked between
   * runs, and not often.
   */
  trouble?(session: { id: string; generation: number }): Promise<string | null>;
}

export interface EndedSession {
  readonly id: string;
  /** All up to this one, this one too. */
  readonly generation: number;
  /** Directories (absolute) of the runs that set it up: what they started is known by them. */
  readonly setupDirectories: readonly string[];
}
