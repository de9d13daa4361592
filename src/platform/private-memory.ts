const PR_SET_DUMPABLE = 4;

/**
 * From here on no process of the same user reads the memory, environment or descriptors of this one in /proc, nor
 * traces it; root with CAP_SYS_PTRACE does, and signals are not held back. What is started is not bound by it. Its
 * files in /proc belong to root: what is to be written there is opened before. False where it cannot be had.
 */
export async function keepMemoryPrivate(): Promise<boolean> {
  // Node opens its inspector to all of this machine when anybody sends this signal, unless somebody listens to it.
  process.on('SIGUSR1', () => {});
  try {
    const { default: koffi } = await import('koffi');
    const prctl = koffi
      .load(null)
      .func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) === 0;
  } catch {
    return false; // koffi has no binary for this machine, or it is no Linux
  }
}
