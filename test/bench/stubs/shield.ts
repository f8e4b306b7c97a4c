/** As in wrangler.toml. */
const SHIELD = { limit: 600, period: 10_000 };

/** Stub of the rate limit, a wrapped binding: the real one counts in the machine that serves the request, and waits for no network. */
export default (): RateLimit => {
  let window = { number: 0, counts: new Map<string, number>() };
  return {
    limit: async ({ key }) => {
      const number = Math.floor(Date.now() / SHIELD.period);
      if (window.number !== number) window = { number, counts: new Map() };
      const count = (window.counts.get(key) ?? 0) + 1;
      window.counts.set(key, count);
      return { success: count <= SHIELD.limit };
    },
  };
};
