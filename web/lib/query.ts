/** A page's query as Next gives it, each name once: the first value counts. */
export function firstValues(query: Record<string, string | string[] | undefined>): URLSearchParams {
  const pairs = Object.entries(query).flatMap(([key, found]) => {
    const first = Array.isArray(found) ? found[0] : found;
    return first === undefined ? [] : [[key, first]];
  });
  return new URLSearchParams(pairs);
}
