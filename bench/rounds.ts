/**
 * Measure every side once a round, in turns, and begin each round with another side: what disturbs the machine, or
 * warms it, meets all of them.
 */
export async function inTurns<Side, Measured>(
  sides: readonly Side[],
  rounds: number,
  measure: (side: Side) => Promise<Measured>,
): Promise<Map<Side, Measured[]>> {
  const measured = new Map(sides.map((side) => [side, [] as Measured[]]));
  for (let round = 0; round < rounds; round++)
    for (const side of rotated(sides, round)) measured.get(side)?.push(await measure(side));
  return measured;
}

function rotated<Side>(sides: readonly Side[], by: number): Side[] {
  const at = by % Math.max(1, sides.length);
  return [...sides.slice(at), ...sides.slice(0, at)];
}
