import { JsonText } from '../wire/json.ts';
import type { ServerSentEvent } from './sse.ts';
import type { JobTools } from './tools.ts';

const OUTPUT_EVENTS = ['message', 'output'];
const DONE_EVENTS = ['done'];

/** What the events of one connection are to a run: a state is a state, output events are stdout, all others progress. */
export class StreamTelling {
  readonly #tools: JobTools;
  readonly #said = new Set<string>();
  /** An event said that the stream is over. */
  done = false;

  constructor(tools: JobTools) {
    this.#tools = tools;
  }

  readonly take = (event: ServerSentEvent): void => {
    const { ctx, job, place, redact, masking } = this.#tools;
    const { type, data, id } = event;
    this.done ||= (ctx.spec.stream_done_events ?? DONE_EVENTS).includes(type);
    const known = place.history.take(event);
    const json = new JsonText(data);
    const payload = data.startsWith('{') ? json : null;
    if (known === 'repeated') {
      // An end may be heard twice, but not passed over: an earlier server may have died of it.
      if (payload !== null && job.isTerminal(job.stateOf(payload) ?? '')) job.hear(payload);
      return;
    }
    if (payload !== null && job.hear(payload, true)) return;
    if (known === 'unclear')
      this.#sayOnce('the stream was taken up again and its events have no ids: they may be repeats');
    if (known === 'otherwise')
      this.#sayOnce(
        'the stream began anew and is another one now: what it had in common with the earlier one is not repeated',
      );
    if (!(ctx.spec.stream_output_events ?? OUTPUT_EVENTS).includes(type))
      ctx.output.progress({ message: redact(type), data: told(json.value ?? data, redact) });
    else if (data !== '') {
      job.streamed = true;
      const news = place.news(Buffer.from(masking.take(data)), id);
      if (news.length > 0) ctx.output.write('stdout', news);
    }
  };

  #sayOnce(message: string): void {
    if (!this.#said.has(message)) this.#tools.ctx.output.progress({ message });
    this.#said.add(message);
  }
}

/** No more output comes by the stream: what was held back of it is no secret. */
export function endOutput({ ctx, place, masking }: JobTools): void {
  const rest = place.news(Buffer.from(masking.end()), place.id);
  if (rest.length > 0) ctx.output.write('stdout', rest);
}

/** A JSON value without the secret, however its texts were escaped. */
function told(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => told(item, redact));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [redact(name), told(item, redact)]));
}
