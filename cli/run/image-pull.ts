import type { RuntimeEvent } from '../../client/runwire.ts';
import { inWords } from '../words/size.ts';

type Progress = RuntimeEvent & { type: 'progress' };

/** What an engine says of one layer of an image: https://docs.docker.com/reference/api/engine/, ImageCreate. */
interface Step {
  id?: string;
  status?: string;
  progressDetail?: { current?: number; total?: number };
}

interface Layer {
  current: number;
  /** Bytes; null: not said yet. */
  total: number | null;
  isDone: boolean;
}

const WIDTH = 20;

/** How far the pull of an image has come, by the progress events of its run. */
export class Pull {
  #image: string | null = null;
  #layers = new Map<string, Layer>();

  /** What is to be said now; undefined: the event is of something else. Null: it is over. */
  take({ message = '', data }: Progress): string | null | undefined {
    if (data === undefined) {
      const [, word, image = ''] = /^(pulling|pulled) (\S+)$/.exec(message) ?? [];
      if (word === undefined) return undefined;
      this.#image = word === 'pulling' ? image : null;
      this.#layers.clear();
      return this.#image && `pulls ${this.#image}`;
    }
    if (this.#image === null || !isStep(data)) return undefined;
    this.#count(data);
    return `pulls ${this.#image}${this.#howFar()}`;
  }

  #count({ id, status = '', progressDetail: detail }: Step): void {
    if (id === undefined || /^Pulling from/.test(status)) return;
    const layer = this.#layers.get(id) ?? { current: 0, total: null, isDone: false };
    this.#layers.set(id, layer);
    if (/^(Download complete|Extracting|Pull complete|Already exists)/.test(status)) {
      layer.current = layer.total ?? 0;
      layer.isDone = /^(Pull complete|Already exists)/.test(status);
    } else if (detail?.total !== undefined && detail.total > 0) {
      layer.total = detail.total;
      layer.current = Math.min(detail.current ?? 0, detail.total);
    }
  }

  #howFar(): string {
    const layers = [...this.#layers.values()];
    if (layers.length === 0) return '';
    const done = `${layers.filter(({ isDone }) => isDone).length} of ${layers.length} layers`;
    const total = layers.reduce((sum, layer) => sum + (layer.total ?? 0), 0);
    if (total === 0) return `: ${done}`;
    const part = layers.reduce((sum, { current }) => sum + current, 0) / total;
    const full = Math.round(part * WIDTH);
    const bar = `[${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}]`;
    return `: ${bar} ${Math.floor(part * 100)}% of ${inWords(total)}, ${done}`;
  }
}

const isStep = (data: unknown): data is Step =>
  typeof data === 'object' && data !== null && typeof (data as Step).status === 'string';
