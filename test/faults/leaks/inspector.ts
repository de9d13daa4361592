import { once } from 'node:events';

/** A process that was started with --inspect: what it holds is asked after a garbage collection. */
export interface Inspector {
  /** Value of an expression of JavaScript, awaited; JSON. */
  evaluate<T>(expression: string): Promise<T>;
  collectGarbage(): Promise<void>;
  /** How many entries all maps and sets of the process have together. */
  entries(): Promise<number>;
  close(): void;
}

/** The address that Node prints on stderr. */
export function inspectorAddress(printed: string): string | null {
  return /Debugger listening on (ws:\S+)/.exec(printed)?.[1] ?? null;
}

/** An object that only has their prototype has no size. */
const SIZES = `function () {
  let sum = 0;
  for (const each of this) try { sum += each.size } catch {}
  return sum;
}`;

export async function openInspector(address: string): Promise<Inspector> {
  const socket = new WebSocket(address);
  await once(socket, 'open');
  const waiting = new Map<number, (answer: Answer) => void>();
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer & { id: number };
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  let n = 0;
  const ask = async (method: string, params: object = {}): Promise<Answer['result']> => {
    const answer = await new Promise<Answer>((resolve) => {
      waiting.set(++n, resolve);
      socket.send(JSON.stringify({ id: n, method, params }));
    });
    const failed = answer.error?.message ?? answer.result?.exceptionDetails?.exception?.description;
    if (failed !== undefined) throw new Error(`${method}: ${failed}`);
    return answer.result;
  };
  return {
    async evaluate<T>(expression: string) {
      const result = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
      return result?.result?.value as T;
    },
    async collectGarbage() {
      for (let i = 0; i < 3; i++) await ask('HeapProfiler.collectGarbage');
    },
    async entries() {
      let entries = 0;
      for (const collection of ['Map', 'Set']) {
        const prototype = await ask('Runtime.evaluate', { expression: `${collection}.prototype` });
        const all = await ask('Runtime.queryObjects', { prototypeObjectId: prototype?.result?.objectId });
        const sum = await ask('Runtime.callFunctionOn', {
          objectId: all?.objects?.objectId,
          functionDeclaration: SIZES,
          returnByValue: true,
        });
        entries += Number(sum?.result?.value);
        await ask('Runtime.releaseObject', { objectId: all?.objects?.objectId });
      }
      return entries;
    },
    close: () => socket.close(),
  };
}

interface Answer {
  error?: { message: string };
  result?: {
    result?: { value?: unknown; objectId?: string };
    objects?: { objectId: string };
    exceptionDetails?: { exception?: { description?: string } };
  };
}
