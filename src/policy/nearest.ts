/**
 * The candidate that `text` was most likely meant to be, for "did you mean": the smallest edit distance (insert, delete, replace,
 * swap of neighbours; case ignored), at most a third of the longer text. A candidate that ends in `.text` or `text` counts as near, so that
 * `textDataDelivery` finds `invocationLogging.textDataDelivery`.
 *
 * @returns nothing where no candidate is near enough: a wrong guess costs more than none
 */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  // A hostile key may be a megabyte long; no name of ours is.
  if (text.length === 0 || text.length > 80) return undefined;
  const wanted = text.toLowerCase();
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const isPart = wanted.length >= 4 && known.endsWith(`.${wanted}`);
    const distance = isPart ? 0.5 : editDistance(wanted, known);
    const bound = Math.max(1, Math.floor(Math.max(wanted.length, known.length) / 3));
    if (distance <= bound && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Optimal string alignment distance, in O(length × length). */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      let distance = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwap =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (isSwap) distance = Math.min(distance, (beforePrevious[column - 2] ?? 0) + 1);
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] ?? 0;
}
