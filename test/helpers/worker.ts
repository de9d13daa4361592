import type { Claimed, ClaimRequest, ClaimState } from '../../src/documents/claim.ts';

export interface Answer<Body = unknown> {
  status: number;
  body: Body;
}

/** The code of a problem. */
export function codeOf({ body }: Answer): string | undefined {
  return (body as { code?: string } | null)?.code;
}

async function answerOf<Body>(response: Response): Promise<Answer<Body>> {
  const text = await response.text();
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as Body };
}

export function post<Body = unknown>(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<Body>> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
  return fetch(url, init).then(answerOf<Body>);
}

/** A worker with one claim, as far away as HTTP makes it. */
export class Worker {
  readonly server: string;
  readonly claimed: Claimed;

  constructor(server: string, claimed: Claimed) {
    this.server = server;
    this.claimed = claimed;
  }

  static async claim(
    server: string,
    request: ClaimRequest = {},
    headers: Record<string, string> = {},
  ): Promise<Worker | null> {
    const { status, body } = await post<Claimed>(`${server}/manual/claims`, request, headers);
    if (status === 204) return null;
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return new Worker(server, body);
  }

  /** A claim that must be there. */
  static async sure(server: string, request: ClaimRequest = {}): Promise<Worker> {
    const worker = await Worker.claim(server, { wait_seconds: 20, ...request });
    if (worker === null) throw new Error('no run came');
    return worker;
  }

  get id(): string {
    return this.claimed.invocation.invocation_id;
  }

  get authorization(): { authorization: string } {
    return { authorization: `Bearer ${this.claimed.claim.token}` };
  }

  events(events: unknown): Promise<Answer<ClaimState>> {
    return post(this.#url('events'), events, this.authorization);
  }

  heartbeat(request: unknown = null): Promise<Answer<ClaimState>> {
    return post(this.#url('heartbeat'), request, this.authorization);
  }

  complete(completion: unknown): Promise<Answer> {
    return post(this.#url('completion'), completion, this.authorization);
  }

  put(id: string, body: string | Uint8Array<ArrayBuffer>, type = 'text/plain'): Promise<Answer> {
    const headers = { ...this.authorization, 'content-type': type };
    return fetch(`${this.#url('artifacts')}/${id}`, { method: 'PUT', headers, body }).then(answerOf);
  }

  #url(name: keyof Claimed['claim']['urls']): string {
    const url = this.claimed.claim.urls[name];
    if (url === null) throw new Error(`there is no address of ${name}`);
    return url.startsWith('/') ? this.server + url : url;
  }

  /** What is done to its files, by path; without one to the list. */
  files(
    method: string,
    path = '',
    body?: RequestInit['body'],
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const address = `${this.#url('files')}${path === '' || path.startsWith('?') ? path : `/${path}`}`;
    const init = { method, headers: { ...this.authorization, ...headers } };
    return fetch(address, body === undefined ? init : { ...init, body, duplex: 'half' });
  }
}
