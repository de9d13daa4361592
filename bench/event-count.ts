/** How events are told apart in a stream of them, and where their first fields are. */
const FRAMINGS = {
  sse: { end: '\n\n', seq: /^id: ?(\d+)$/m, type: /^event: ?(\w+)$/m },
  ndjson: { end: '\n', seq: /"seq":(\d+)/, type: /"type":"(\w+)"/ },
} as const;

/** What is looked at of one event: its first fields, not its text. */
const HEAD = 1000;

/** Counts events without parsing their text: a parse of 1 GB of JSON would measure the reader. */
export class EventCount {
  events = 0;
  /** Bytes of the program's standard output that they stand for. */
  output = 0;
  /** `finished` came last. */
  finished = false;
  /** A `seq` was missing. */
  holes = false;
  readonly #framing: (typeof FRAMINGS)[keyof typeof FRAMINGS];
  #rest = '';

  constructor(framing: keyof typeof FRAMINGS) {
    this.#framing = FRAMINGS[framing];
  }

  push(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1');
    const { end } = this.#framing;
    let from = 0;
    for (let at = text.indexOf(end); at !== -1; at = text.indexOf(end, from)) {
      this.#count(text.slice(from, Math.min(at, from + HEAD)));
      from = at + end.length;
    }
    this.#rest = text.slice(from);
  }

  #count(head: string): void {
    const seq = this.#framing.seq.exec(head)?.[1];
    if (seq === undefined) return; // a comment
    this.events++;
    if (Number(seq) !== this.events) this.holes = true;
    const type = this.#framing.type.exec(head)?.[1];
    if (type === 'stdout') this.output += Number(/"length":(\d+)/.exec(head)?.[1]);
    this.finished = type === 'finished';
  }
}
