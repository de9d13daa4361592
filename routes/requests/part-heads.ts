const LINE_END = '\r\n';
const HEAD_END = '\r\n\r\n';
/** The parser reads no longer ones. */
const MAX_HEAD_BYTES = 80 * 1024;
const BOUNDARY = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i;
const DISPOSITION = /^content-disposition[\t ]*:[\t ]*([^;\s]*)(.*)$/im;
const NAME = /;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/i;

/** Why a part is none of a form, as its head says. */
export interface AlienPart {
  /** Its name, else its place in the form: `part 2`. */
  name: string;
  message: string;
}

/** Sees the heads of the parts of a multipart body: the parser passes over those that are none of a form without a word. */
export class PartHeads {
  readonly #delimiter: Buffer;
  /** The end of what came: a head that is not whole, or what may be the begin of a delimiter. */
  #held: Buffer = Buffer.from(LINE_END);
  #where: 'content' | 'head' | 'over' = 'content';
  /** How many parts have begun. */
  count = 0;
  /** The first that is none of a form. */
  alien: AlienPart | null = null;

  constructor(contentType: string) {
    const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
    this.#delimiter = Buffer.from(`${LINE_END}--${quoted ?? plain}`);
  }

  take(chunk: Buffer): void {
    for (let left: Buffer | null = Buffer.concat([this.#held, chunk]); left !== null; )
      if (this.#where === 'over') left = null;
      else if (this.#where === 'content') left = this.#passOver(left);
      else left = this.#readHead(left);
  }

  #passOver(bytes: Buffer): Buffer | null {
    const at = bytes.indexOf(this.#delimiter);
    if (at === -1) return this.#hold(bytes.subarray(Math.max(0, bytes.length - this.#delimiter.length + 1)));
    this.#where = 'head';
    return bytes.subarray(at + this.#delimiter.length);
  }

  #readHead(bytes: Buffer): Buffer | null {
    if (bytes.length < 2) return this.#hold(bytes);
    const end = bytes.indexOf(HEAD_END);
    if (bytes.toString('latin1', 0, 2) === '--' || (end === -1 && bytes.length > MAX_HEAD_BYTES)) {
      this.#where = 'over';
      return null;
    }
    if (end === -1) return this.#hold(bytes);
    this.count++;
    this.alien ??= alienIn(bytes.toString('utf8', 0, end), this.count);
    this.#where = 'content';
    // The end of its last line may begin the next delimiter.
    return bytes.subarray(end + LINE_END.length);
  }

  #hold(bytes: Buffer): null {
    this.#held = Buffer.from(bytes);
    return null;
  }
}

function alienIn(head: string, number: number): AlienPart | null {
  const unfolded = head.replace(/\r\n[\t ]+/g, ' ');
  const [, type, parameters = ''] = DISPOSITION.exec(unfolded) ?? [];
  const [, quoted, plain] = NAME.exec(parameters) ?? [];
  const name = quoted ?? plain ?? `part ${number}`;
  if (type === undefined) return { name, message: 'has no Content-Disposition: that of a form is form-data' };
  return type.toLowerCase() === 'form-data'
    ? null
    : { name, message: `is of Content-Disposition ${JSON.stringify(type)}: that of a form is form-data` };
}
