/** The limit of wrangler.toml. */
const SHIELD = { limit: 600, period: 10_000 };

/** Stub of the rate limit, as a wrapped binding. The real one counts on the same machine, without the network. */
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
