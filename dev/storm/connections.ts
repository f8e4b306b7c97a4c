/** A `fetch` with at most `most` open requests, as of a client with a pool of connections. Further requests wait in a queue. */
export const pooledFetch = (most: number, through: typeof fetch = fetch): typeof fetch => {
  let open = 0;
  const waiting: (() => void)[] = [];
  return async (...request) => {
    if (open >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else open += 1;
    try {
      return await through(...request);
    } finally {
      const next = waiting.shift();
      // The next request takes the place of this one.
      if (next === undefined) open -= 1;
      else next();
    }
  };
};
