import type { Usage } from '../../src/documents/outcome.ts';
import type { DockerDaemon } from './daemon.ts';

const FIRST_MS = 150;
const EVERY_MS = 1000;

interface Stats {
  cpu_stats?: {
    cpu_usage?: { total_usage?: number; usage_in_usermode?: number; usage_in_kernelmode?: number };
  };
  memory_stats?: { usage?: number; max_usage?: number };
}

/**
 * CPU time and peak memory of a container, asked from the daemon while it runs, for its counters are gone when
 * it has ended: what happens after the last sample (every second) is not in it, and a run that is shorter than
 * the first has none. The peak is the kernel's with cgroup v1, and that of the samples with v2.
 */
export class UsageSampler {
  readonly #daemon: DockerDaemon;
  readonly #id: string;
  #timer: NodeJS.Timeout;
  #stopped = false;
  #usage: Usage | null = null;

  constructor(daemon: DockerDaemon, id: string) {
    this.#daemon = daemon;
    this.#id = id;
    this.#timer = setTimeout(() => void this.#sample(), FIRST_MS).unref();
  }

  stop(): Usage | null {
    this.#stopped = true;
    clearTimeout(this.#timer);
    return this.#usage;
  }

  async #sample(): Promise<void> {
    try {
      const stats = (await this.#daemon.ask((docker) =>
        docker.getContainer(this.#id).stats({ stream: false, 'one-shot': true }),
      )) as Stats;
      this.#take(stats);
    } catch {
      // It has ended, or the daemon is away: the next sample tells.
    }
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#sample(), EVERY_MS).unref();
  }

  #take({ cpu_stats: cpu, memory_stats: memory }: Stats): void {
    const { total_usage: total, usage_in_usermode: user, usage_in_kernelmode: system } = cpu?.cpu_usage ?? {};
    if (total === undefined || total === 0) return; // of a container that has ended
    const peak = memory?.max_usage ?? memory?.usage ?? null;
    const earlier = this.#usage?.max_rss_bytes ?? null;
    this.#usage = {
      cpu_user_ms: (user ?? 0) / 1e6,
      cpu_system_ms: (system ?? 0) / 1e6,
      max_rss_bytes: peak === null ? earlier : Math.max(peak, earlier ?? 0),
    };
  }
}
