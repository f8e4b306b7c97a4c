/** A token of the fake card vault: the operator's own card. */
export type VaultedCard = {
  readonly number: string;
  readonly cvc: string;
  readonly expiration_month: number;
  readonly expiration_year: number;
};

export type FakeCardVaultOptions = {
  readonly key: string;
  readonly tokens: Readonly<Record<string, VaultedCard>>;
  /** Sends the request on; `fetch` by default. */
  readonly forward?: (request: Request) => Promise<Response>;
};

/** `{{ <id> | json: '$.number' }}` or `{{ token: <id> | json: '$.number' }}`, as Basis Theory documents them. */
const EXPRESSION = /\{\{\s*(?:token:\s*)?([A-Za-z0-9_-]+)\s*\|\s*json:\s*'\$\.(\w+)'\s*\}\}/g;
const HOP = new Set(['host', 'content-length', 'connection']);

const fault = (status: number, detail: string): Response =>
  Response.json({ title: 'Proxy error', status, detail }, { status });

/**
 * A fake of Basis Theory's ephemeral proxy for one machine. It replaces expressions in the proxied body, and nowhere else, and passes the answer
 * of the destination back as it is.
 */
export const openFakeCardVault = ({
  key,
  tokens,
  forward = async (request) => await fetch(request),
}: FakeCardVaultOptions): ((request: Request) => Promise<Response>) => {
  return async (request) => {
    if (new URL(request.url).pathname !== '/proxy') return fault(404, 'no such path');
    if (request.headers.get('bt-api-key') !== key) return fault(401, 'unknown BT-API-KEY');
    const destination = URL.parse(request.headers.get('bt-proxy-url') ?? '');
    if (destination === null) return fault(400, 'BT-PROXY-URL must be a URL');
    const template = await request.text();
    let unknown: string | undefined;
    const body = template.replace(EXPRESSION, (expression, id: string, member: string) => {
      const value = tokens[id]?.[member as keyof VaultedCard];
      if (value === undefined) unknown = id;
      return value === undefined ? expression : String(value);
    });
    if (unknown !== undefined) return fault(400, 'a token does not exist');
    const headers = new Headers();
    for (const [name, value] of request.headers) {
      if (!name.startsWith('bt-') && !HOP.has(name)) headers.set(name, value);
    }
    return await forward(new Request(destination, { method: request.method, headers, body }));
  };
};
