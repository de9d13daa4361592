/** A directory as the program of a run saw it, and where it is on this machine. Null: not here. */
export interface Mount {
  inside: string;
  source: string | null;
}
