/** Baseline: compares an API key by its hash in constant time. It has no state, no limits and no payments. */
type Bindings = { readonly UPSTREAM_URL: string; readonly API_KEY_SHA256: string };

const bytesOf = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

export default {
  async fetch(request, env) {
    const key = request.headers.get('x-api-key') ?? '';
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
    if (!crypto.subtle.timingSafeEqual(hash, bytesOf(env.API_KEY_SHA256))) {
      return new Response(undefined, { status: 401 });
    }
    const { search } = new URL(request.url);
    const answer = await fetch(`${env.UPSTREAM_URL}/lookup${search}`);
    return new Response(answer.body, answer);
  },
} satisfies ExportedHandler<Bindings>;
