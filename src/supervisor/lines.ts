/** Cuts a byte stream into lines of UTF-8 text; the rest of an unfinished line waits for the next chunk. */
export function lineSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest: Buffer[] = [];
  return (chunk) => {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const piece = chunk.subarray(from, at);
      if (rest.length === 0) onLine(piece.toString('utf8'));
      else {
        rest.push(piece);
        const line = Buffer.concat(rest).toString('utf8');
        rest = [];
        onLine(line);
      }
      from = at + 1;
    }
    if (from < chunk.length) rest.push(Buffer.from(chunk.subarray(from)));
  };
}
