import type { Fetch } from '../../client/runwire.ts';
import type { Progress } from './progress.ts';

/** fetch that tells how much of a body has gone, anew at each attempt. What is JSON is not counted. */
export function countedFetch(progress: Progress, send: Fetch): Fetch {
  return (address, asking) => {
    const { body } = asking;
    if (body instanceof Blob) {
      progress.begin(body.size);
      return send(address, { ...asking, body: new CountedBlob(progress, body) });
    }
    if (body instanceof ReadableStream) {
      progress.begin(null);
      return send(address, { ...asking, body: counted(progress, body) });
    }
    return send(address, asking);
  };
}

/** A Blob and not its stream: fetch tells the server how long it is. */
class CountedBlob extends Blob {
  readonly #progress: Progress;

  constructor(progress: Progress, blob: Blob) {
    super([blob], { type: blob.type });
    this.#progress = progress;
  }

  override stream() {
    return counted(this.#progress, super.stream());
  }
}

function counted<T extends Uint8Array>(progress: Progress, bytes: ReadableStream<T>): ReadableStream<T> {
  return bytes.pipeThrough(
    new TransformStream<T, T>({
      transform(part, controller) {
        progress.count(part.length);
        controller.enqueue(part);
      },
    }),
  );
}
