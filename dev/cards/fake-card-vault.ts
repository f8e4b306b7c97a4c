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
  /** Forwards the request; `fetch` by default. */
  readonly forward?: (request: Request) => Promise<Response>;
};

/** Liquid, as Basis Theory documents it: `{{ token: <id> | json: '$.number' }}`, `{{ <id> | … }}` or `{{ proxy.request.body | … }}`. */
const EXPRESSION = /\{\{(.*?)\}\}/gs;
const FILTER = /^(json|split|reverse|join)(?::\s*'(.*)')?$/;

/** Applies one filter. A JSONPath may only name members. */
const filtered = (value: unknown, filter: string): unknown => {
  const [, name, argument = ''] = FILTER.exec(filter) ?? [];
  if (name === 'split') return String(value).split(argument);
  if (name === 'reverse') return Array.isArray(value) ? value.toReversed() : value;
  if (name === 'join') return Array.isArray(value) ? value.join(argument) : value;
  let at: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  for (const key of argument.split('.').slice(1)) {
    at = (at as Readonly<Record<string, unknown>> | undefined)?.[key];
  }
  return at;
};

const HOP = new Set(['host', 'content-length', 'connection']);

const fault = (status: number, detail: string): Response =>
  Response.json({ title: 'Proxy error', status, detail }, { status });

/**
 * A fake of Basis Theory's ephemeral proxy for local runs. It evaluates expressions anywhere in the proxied request: in the body, then in
 * each header and the URL, where `proxy.request.body` is the body with the card in it. It returns the destination's answer unchanged.
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
    let [known, proxied] = [true, ''];
    const evaluated = (template: string): string =>
      template.replace(EXPRESSION, (_, expression: string) => {
        const [object = '', ...filters] = expression.split('|').map((part) => part.trim());
        const id = object.replace(/^token:\s*/, '');
        const value = object === 'proxy.request.body' ? proxied : tokens[id];
        if (value === undefined) known = false;
        return value === undefined ? '' : String(filters.reduce<unknown>(filtered, value));
      });
    const template = await request.text();
    proxied = evaluated(template);
    const headers = new Headers();
    for (const [name, value] of request.headers) {
      if (!name.startsWith('bt-') && !HOP.has(name)) headers.set(name, evaluated(value));
    }
    const url = evaluated(decodeURIComponent(destination.href));
    if (!known) return fault(400, 'a token does not exist');
    return await forward(new Request(url, { method: request.method, headers, body: proxied }));
  };
};
