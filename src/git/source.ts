import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import type { AddressGuard } from '../outbound/address-guard.ts';
import type { Secrets } from '../outbound/secrets.ts';
import { codeOf, messageOf } from '../platform/error-words.ts';
import { removeTree } from '../platform/remove-tree.ts';
import { TooLate, within } from '../platform/timer.ts';
import { Turns } from '../platform/turns.ts';
import { type GitAddress, gitAddress, judgedAddresses } from './address.ts';
import { clone } from './clone.ts';
import { type GitCredential, gitCredential } from './credential.ts';
import { bareEnvironment, gitEnvironment } from './environment.ts';
import { sizeOf, watchGrowth } from './growth.ts';
import { checkVersion, findGit } from './installed.ts';
import { knock } from './knock.ts';
import { type GitEnd, runGit } from './program.ts';
import { type GitReference, gitReference } from './reference.ts';
import { gitRefusal } from './refusal.ts';
import { toldFailure } from './words.ts';

/** `from.git` of a workspace. */
export interface GitFrom {
  url: string;
  /** Branch, tag, full commit id, full name of a ref. Default: HEAD. */
  ref?: string | undefined;
  /** Name of a secret of the server. */
  secret?: string | undefined;
}

/** Where the tree comes to. */
export interface GitPlace {
  /** Absolute; not there, or an empty directory. */
  directory: string;
  /** Absolute: a directory on the same file system, where it is made before it is renamed. */
  beside: string;
  /** Of all files together, those in `.git` too; infinite: as many as there is disk. */
  maxBytes: number;
  signal: AbortSignal;
  /** What goes on without an end for a client: words for the log of the server. */
  log: (words: string) => void;
}

export interface GitOptions {
  guard: AddressGuard;
  secrets: Secrets;
  /** PATH of the server, where git is looked for. */
  path: string;
  timeoutSeconds: number;
  /** Files and directories of one tree. */
  maxFiles: number;
  /** How many trees come at once. */
  most?: number;
}

/** What a request says, read: nothing of it has been asked over the network. */
interface Asked {
  git: string;
  address: GitAddress;
  reference: GitReference;
  credential: GitCredential;
}

const MEMORY_BYTES = 2 * 1024 ** 3;
/** A file that stops there is seen to be too large. */
const TOO_MUCH = 64 * 1024;
const AT_ONCE = 2;

/** Trees that come from git addresses, brought by the git of the machine. */
export class GitSource {
  readonly #options: GitOptions;
  readonly #turns: Turns;
  #checked: string | null = null;

  constructor(options: GitOptions) {
    this.#options = options;
    this.#turns = new Turns(options.most ?? AT_ONCE);
  }

  /** Throws RunwireError invalid_field, naming `from.git…`, for what can be told to be wrong without asking anybody. */
  check(from: GitFrom): void {
    const { address } = this.#read(from);
    try {
      this.#options.guard.checkHost(address.host);
    } catch (error) {
      throw gitRefusal('url', messageOf(error));
    }
  }

  /**
   * Makes `directory` what the repository holds at `ref`, with its `.git`: as a whole, or nothing of it. Resolves with
   * the commit; null: the repository is empty. Rejects with RunwireError: invalid_field naming `from.git…`,
   * workspace_full, insufficient_storage; with the signal's reason where it aborts. No process and nothing beside is
   * left then; what a killed server leaves beside is named `git-…`.
   */
  async fill(from: GitFrom, place: GitPlace): Promise<{ commit: string | null }> {
    const asked = this.#read(from);
    return this.#turns.take(place.directory, place.signal, async () => {
      const { timeoutSeconds } = this.#options;
      const own = join(place.beside, `git-${randomUUID()}`);
      const time = within(timeoutSeconds * 1000, place.signal);
      try {
        await mkdir(join(own, 'home'), { recursive: true, mode: 0o700 });
        return await this.#bring(asked, from, { ...place, signal: time.signal }, own);
      } catch (error) {
        if (place.signal.aborted || !(time.signal.reason instanceof TooLate)) throw error;
        throw gitRefusal('', `took longer than ${timeoutSeconds} s (RUNWIRE_GIT_TIMEOUT_SECONDS)`);
      } finally {
        time.done();
        await removeTree(own).catch((error: unknown) =>
          place.log(`${own} could not be removed: ${messageOf(error)}`),
        );
      }
    });
  }

  #read({ url, ref, secret }: GitFrom): Asked {
    const address = gitAddress(url);
    const { secrets, path } = this.#options;
    return {
      address,
      reference: gitReference(ref),
      credential: gitCredential(secret, secrets, address.host),
      git: findGit(path),
    };
  }

  async #bring(
    asked: Asked,
    from: GitFrom,
    place: GitPlace,
    own: string,
  ): Promise<{ commit: string | null }> {
    const { git, address, reference, credential } = asked;
    const caps = { bytes: place.maxBytes, files: this.#options.maxFiles };
    await this.#checkGit(git, own, place.signal);
    const addresses = await judgedAddresses(address, this.#options.guard);
    await knock(address, addresses, credential, place.signal);
    const authorities = join(own, 'authorities.pem');
    await writeFile(authorities, getCACertificates('default').join('\n'));
    const home = join(own, 'home');
    const environment = gitEnvironment({ git, home, address, addresses, authorities, ...credential });
    const work = join(own, 'work');
    await mkdir(work);

    const over = new AbortController();
    const signal = AbortSignal.any([place.signal, over.signal]);
    const limits = { fileBytes: caps.bytes + TOO_MUCH, memoryBytes: MEMORY_BYTES };
    const run = (directory: string, args: readonly string[], onOutput?: (chunk: Buffer) => void) =>
      runGit({
        ...{ git, environment, limits, signal, arguments: args, directory: join(work, directory) },
        ...(onOutput === undefined ? {} : { onOutput }),
      });
    const told = { address, ref: from.ref, mask: credential.mask, place: own, work, caps };
    const failure = (end: GitEnd): Promise<Error> => toldFailure(end, told);
    const watched = watchGrowth(work, caps, signal, (error) => over.abort(error));
    try {
      const commit = await clone({ run, failure, place: work, url: address.url, reference, caps });
      await sizeOf(join(work, 'tree'), caps);
      signal.throwIfAborted();
      await rename(join(work, 'tree'), place.directory);
      return { commit };
    } catch (error) {
      if (codeOf(error) === 'ENAMETOOLONG')
        throw gitRefusal('url', 'the repository has a path that is too long');
      throw error;
    } finally {
      over.abort(null);
      await watched;
    }
  }

  async #checkGit(git: string, directory: string, signal: AbortSignal): Promise<void> {
    if (this.#checked === git) return;
    const limits = { fileBytes: 0, memoryBytes: MEMORY_BYTES };
    const environment = bareEnvironment(git, join(directory, 'home'));
    const { output } = await runGit({
      git,
      arguments: ['--version'],
      directory,
      environment,
      limits,
      signal,
    });
    checkVersion(output);
    this.#checked = git;
  }
}
