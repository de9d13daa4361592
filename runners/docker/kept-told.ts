import type { JournalFrame } from './keeper/frames.ts';
import type { KeptOutput } from './kept-output.ts';
import type { ExitedFrame, KilledFrame, ProgramEnd } from './program-end.ts';

/** What the journal of a program has told of it until now. */
export class ToldProgram {
  readonly #output: KeptOutput;
  readonly #onStarted: (frame: { at: number }) => void;
  #exited: ExitedFrame | null = null;
  #killed: KilledFrame | null = null;
  #errno: number | null = null;
  #left = false;

  constructor(output: KeptOutput, onStarted: (frame: { at: number }) => void) {
    this.#output = output;
    this.#onStarted = onStarted;
  }

  take(frame: JournalFrame): void {
    if (frame.type === 'output' || frame.type === 'gap') this.#output.take(frame);
    else if (frame.type === 'started') this.#onStarted(frame);
    else if (frame.type === 'not_started') this.#errno = frame.errno;
    else if (frame.type === 'left') this.#left = true;
    else if (frame.type === 'killed') this.#killed = frame;
    else if (frame.type === 'exited') this.#exited = frame;
  }

  end(): ProgramEnd {
    if (this.#exited) return { how: 'exited', exited: this.#exited, killed: this.#killed, left: this.#left };
    if (this.#errno !== null) return { how: 'not_started', errno: this.#errno };
    return { how: 'lost', words: 'the journal of the program has no end', container: 'there' };
  }
}
