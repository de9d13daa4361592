import { posix } from 'node:path';
import type Docker from 'dockerode';
import type { RunOutput } from '../../src/contract/context.ts';
import { Rejected } from '../../src/contract/outcome.ts';
import { parseJson } from '../../src/platform/json-parse.ts';
import { type DockerDaemon, daemonWords, statusOf } from './daemon.ts';
import type { DockerSpec } from './spec.ts';

const PROGRESS_EVERY_MS = 500;

/** What a run wants to know of its image. */
export interface ImageFacts {
  id: string;
  /** USER of the image; '' = root. */
  user: string;
  stopSignal: string | null;
  /** WORKDIR of the image; '' = none. */
  workdir: string;
  /** Of what the program will be, in the engine's words. */
  os: string;
  architecture: string;
  entrypoint: readonly string[];
  /** CMD of the image. */
  command: readonly string[];
  /** VOLUMEs of the image, absolute. */
  volumes: readonly string[];
}

export interface PullTools {
  output: RunOutput;
  signal: AbortSignal;
  /** The server's secret of this name, for a registry of this host. */
  secret: (name: string, host: string) => string | undefined;
}

/**
 * The image of a run, pulled as `pull` says. Null when the run was aborted meanwhile. Throws Rejected, with
 * the daemon's words, when there is no such image, and Error when nobody could be asked for it.
 */
export async function findImage(
  daemon: DockerDaemon,
  spec: DockerSpec,
  tools: PullTools,
): Promise<ImageFacts | null> {
  if (spec.pull !== 'always') {
    const here = await look(daemon, spec.image, tools.signal);
    if (here) return here;
    if (spec.pull === 'never')
      throw new Rejected(`image ${spec.image} is not on this engine, and pull is "never"`);
  }
  if (!(await pull(daemon, spec, tools))) return null;
  const pulled = await look(daemon, spec.image, tools.signal);
  if (!pulled) throw new Rejected(`image ${spec.image} was pulled and is not there`);
  return pulled;
}

async function look(daemon: DockerDaemon, image: string, signal: AbortSignal): Promise<ImageFacts | null> {
  try {
    const { Id, Config, Os, Architecture } = await daemon.ask((docker) => docker.getImage(image).inspect(), {
      signal,
    });
    const stopSignal: unknown = Config && 'StopSignal' in Config ? Config.StopSignal : null;
    return {
      id: Id,
      user: Config?.User ?? '',
      stopSignal: typeof stopSignal === 'string' ? stopSignal : null,
      workdir: Config?.WorkingDir ?? '',
      os: Os,
      architecture: Architecture,
      entrypoint: wordsOf(Config?.Entrypoint),
      command: wordsOf(Config?.Cmd),
      volumes: Object.keys(Config?.Volumes ?? {}).map((path) => posix.resolve('/', path)),
    };
  } catch (error) {
    if (statusOf(error) === 404) return null;
    if (statusOf(error) === 400) throw new Rejected(daemonWords(error));
    throw error;
  }
}

/** As engines keep them: a list, one word, or null. */
function wordsOf(words: string | readonly string[] | null | undefined): readonly string[] {
  return typeof words === 'string' ? [words] : (words ?? []);
}

/** False when the run was aborted. */
async function pull(
  daemon: DockerDaemon,
  spec: DockerSpec,
  { output, signal, secret }: PullTools,
): Promise<boolean> {
  const authconfig = credentials(spec.registry_secret, registryOf(spec.image), secret);
  const docker = await daemon.client();
  const options = {
    ...(spec.platform ? { platform: spec.platform } : {}),
    ...(authconfig ? { authconfig } : {}),
  };
  output.progress({ message: `pulling ${spec.image}` });
  let stream: NodeJS.ReadableStream & { destroy?(): void };
  try {
    const pulling = docker.pull(withTag(spec.image), options);
    pulling.then(
      (late: typeof stream) => signal.aborted && late.destroy?.(),
      () => {},
    );
    stream = await Promise.race([pulling, aborted(signal)]);
  } catch (error) {
    if (signal.aborted) return false;
    throw pullFailure(spec.image, error);
  }
  const stop = (): void => stream.destroy?.();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await follow(stream, output);
  } catch (error) {
    if (signal.aborted) return false;
    throw pullFailure(spec.image, error);
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (signal.aborted) return false;
  output.progress({ message: `pulled ${spec.image}` });
  return true;
}

/**
 * What the registry, or the engine before it, says of the image and of who asks: it says the same the next time. In old
 * engines a status of 500 has the registry's words, and words are all that comes in the midst of a pull.
 */
const SAID_NO =
  /unauthorized|authentication required|no basic auth|denied|not found|does not exist|manifest unknown|name unknown|no matching manifest|invalid reference|not supported|unsupported/i;

/** Rejected where there is no such image for us; else the registry could not be reached, or broke off. */
function pullFailure(image: string, error: unknown): Error {
  const words = `image ${image} cannot be pulled: ${daemonWords(error)}`;
  const status = statusOf(error) ?? 500;
  return (status < 500 && status !== 429) || SAID_NO.test(daemonWords(error))
    ? new Rejected(words)
    : new Error(words, { cause: error });
}

/** Without a tag the daemon would pull every one there is. */
function withTag(image: string): string {
  return image.includes('@') || /:[^/]+$/.test(image) ? image : `${image}:latest`;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(new Error('aborted'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** The daemon's report, a JSON object a line; one that has `error` ends it. */
async function follow(stream: NodeJS.ReadableStream, output: RunOutput): Promise<void> {
  let rest = '';
  let told = 0;
  for await (const chunk of stream) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() === '') continue;
      const step = parseJson(line) as {
        status?: string;
        id?: string;
        error?: string;
        progressDetail?: object;
      };
      if (step.error !== undefined) throw new Error(step.error);
      const counting = Object.keys(step.progressDetail ?? {}).length > 0;
      if (counting && performance.now() - told < PROGRESS_EVERY_MS) continue;
      told = performance.now();
      output.progress({ message: [step.id, step.status].filter(Boolean).join(': '), data: step });
    }
  }
}

/** Host of the registry that an image name leads to, as the daemon reads it: no repository there has capital letters. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const named = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  return named ? first.replace(/:\d+$/, '') : 'docker.io';
}

/** A secret is `user:password`, or JSON as the daemon takes it ({username, password, serveraddress} or {identitytoken}). */
function credentials(
  name: string | undefined,
  host: string,
  secret: PullTools['secret'],
): Docker.AuthConfig | null {
  if (name === undefined) return null;
  const text = secret(name, host);
  if (text === undefined) throw new Rejected(`the server holds no secret named ${name} for ${host}`);
  if (text.trimStart().startsWith('{'))
    try {
      return parseJson(text) as Docker.AuthConfig;
    } catch {
      throw new Rejected(`the secret ${name} is not valid JSON`);
    }
  const colon = text.indexOf(':');
  if (colon < 1) throw new Rejected(`the secret ${name} is not user:password`);
  return { username: text.slice(0, colon), password: text.slice(colon + 1), serveraddress: host };
}
