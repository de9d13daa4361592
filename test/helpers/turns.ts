/** How many turns of the event loop others have had until the work is done. */
export async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = -1; // the one in which it begins
  let over = false;
  const count = (): void => {
    turns++;
    if (!over) setImmediate(count);
  };
  count();
  await work();
  over = true;
  return turns;
}
