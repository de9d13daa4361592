import type { IncomingMessage } from 'node:http';

/** With a promise no more is taken, and read, until it settles. */
type Take = (chunk: Buffer) => Promise<void> | undefined;

/** So long bytes are taken before others have their turn, ms. */
const SLICE_MS = 10;

/**
 * The body of an answer, taken piece by piece in slices of time: a loop that reads a socket reads on as long as there is
 * something, and what is made of a burst may take long. Bytes that came before an answer broke off are taken too.
 */
export class AnswerBody {
  readonly #message: IncomingMessage;
  readonly #take: Take;
  readonly #pieceBytes: number;
  /** What came and was not taken. */
  #left: Buffer[] = [];
  #waits = false;
  #given = false;
  #whenTaken: (() => void) | null = null;

  /** `take` gets at most `pieceBytes` at once, and neither throws nor rejects. */
  constructor(message: IncomingMessage, take: Take, pieceBytes = Number.POSITIVE_INFINITY) {
    this.#message = message;
    this.#take = take;
    this.#pieceBytes = pieceBytes;
    message.on('data', (chunk: Buffer) => {
      this.#add(chunk);
      this.#go();
    });
  }

  /** Nothing more is taken. */
  giveUp(): void {
    this.#given = true;
    this.#left = [];
  }

  /** No more comes: calls back when all that came was taken. */
  ended(then: () => void): void {
    if (this.#given || !this.#waits) then();
    else this.#whenTaken ??= then;
  }

  #add(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += this.#pieceBytes)
      this.#left.push(chunk.subarray(at, at + this.#pieceBytes));
  }

  #go(): void {
    if (this.#waits) return;
    const began = performance.now();
    let taken = 0;
    let taking: Promise<void> | undefined;
    while (taken < this.#left.length && !taking && performance.now() - began < SLICE_MS)
      taking = this.#take(this.#left[taken++] as Buffer);
    this.#left = this.#left.slice(taken);
    if (taking) return this.#wait(taking);
    if (this.#left.length > 0 || performance.now() - began >= SLICE_MS) return this.#wait();
    const then = this.#whenTaken;
    this.#whenTaken = null;
    if (then !== null) then();
    else this.#message.resume();
  }

  #wait(taking?: Promise<void>): void {
    this.#waits = true;
    this.#message.pause();
    const goOn = (): void => {
      // What came meanwhile, before the answer broke off too: then nobody is told of it but who reads.
      const isOver = this.#message.errored !== null || this.#whenTaken !== null;
      // Else what is there comes first: to read is to let more come.
      if (isOver || this.#left.length === 0)
        for (let chunk = this.#message.read(); chunk !== null; chunk = this.#message.read())
          if (this.#message.errored !== null) this.#add(chunk as Buffer);
      this.#waits = false;
      this.#go();
    };
    if (taking) void taking.then(goOn);
    else setImmediate(goOn);
  }
}
