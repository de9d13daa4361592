const NAMES = ['stdin', 'stdout', 'stderr'] as const;

/**
 * What `load` imports finds no standard streams. `import process from 'node:process'` alone makes all three, since Node reads all names of
 * the module, and a pipe behind one then waits for nobody: also for the other programs that have it, and a reader that is slow is asked again and again.
 */
export async function unopened<T>(load: () => Promise<T>): Promise<T> {
  const made = NAMES.map((name) => [name, Object.getOwnPropertyDescriptor(process, name) ?? {}] as const);
  for (const [name, property] of made)
    Object.defineProperty(process, name, { ...property, get: () => undefined });
  try {
    return await load();
  } finally {
    for (const [name, property] of made) Object.defineProperty(process, name, property);
  }
}
