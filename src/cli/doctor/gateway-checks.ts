import * as z from 'zod/mini';
import { type Check, doubtful, passed, skipped, wrong } from '../lib/check.ts';
import { type Got, httpGet } from '../lib/http-get.ts';
import { lasting } from '../lib/text.ts';

const healthSchema = z.looseObject({ status: z.string() });
const problemSchema = z.looseObject({ detail: z.optional(z.string()) });
const keysSchema = z.looseObject({
  keys: z.array(z.looseObject({ kty: z.string(), crv: z.string(), kid: z.string() })),
});
const openapiSchema = z.looseObject({ openapi: z.string(), paths: z.looseObject({}) });

/** A signed intent begins this long before now, and gateways look at their own clock. */
const SKEW_FAILS = 60;
const SKEW_SHOWS = 5;

/** What a gateway says of itself, to anybody. `kid`: the key that it should publish, where that is known. */
export const gatewayChecks = async (
  gateway: string,
  kid: string | undefined,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const [health, keys, openapi] = await Promise.all(
    ['/healthz', '/.well-known/jwks.json', '/openapi.json'].map(
      async (path) => await httpGet(gateway + path, signal),
    ),
  );
  if (health === undefined || !health.ok) {
    const why = health?.error ?? '';
    return [
      wrong(
        'gateway',
        `${gateway}: ${why}`,
        'Start it with `npm start` or deploy it, or correct --gateway.',
      ),
    ];
  }
  return [
    healthCheck(gateway, health.value),
    clockCheck(health.value),
    keysCheck(keys?.ok === true ? keys.value : undefined, kid),
    openapiCheck(openapi?.ok === true ? openapi.value : undefined),
  ];
};

const healthCheck = (gateway: string, { status, json }: Got): Check => {
  const health = healthSchema.safeParse(json);
  if (status === 200 && health.success) {
    return health.data.status === 'ok'
      ? passed('gateway', `${gateway} is up`)
      : doubtful(
          'gateway',
          `${gateway} is ${health.data.status}`,
          'Set PAUSED to "false" and deploy to go on.',
        );
  }
  const problem = problemSchema.safeParse(json);
  return wrong(
    'gateway',
    `${gateway} answers ${status}${problem.success && problem.data.detail !== undefined ? `: ${problem.data.detail}` : ''}`,
    'Correct what it names, then deploy again.',
  );
};

const clockCheck = ({ headers, from, until }: Got): Check => {
  const name = 'clock gateway';
  const told = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(told)) {
    return skipped(
      name,
      'the gateway does not tell its time',
      'The clock of the chain is compared instead.',
    );
  }
  // The header has whole seconds: it was some time within this one.
  const skew = told + 500 - (from + until) / 2;
  const seconds = Math.abs(skew) / 1000;
  if (seconds < SKEW_SHOWS) return passed(name, 'agrees with this one');
  const says = `${lasting(seconds)} ${skew > 0 ? 'ahead of' : 'behind'} this one`;
  const hint = 'Set the clock of this machine: what it signs is good for four minutes.';
  return seconds < SKEW_FAILS ? doubtful(name, says, hint) : wrong(name, says, hint);
};

const keysCheck = (got: Got | undefined, kid: string | undefined): Check => {
  const name = 'receipt keys';
  const keys = keysSchema.safeParse(got?.json);
  const usable = keys.success
    ? keys.data.keys.filter(({ kty, crv }) => kty === 'OKP' && crv === 'Ed25519')
    : [];
  if (usable.length === 0) {
    return wrong(
      name,
      'the gateway publishes no key',
      'Set RECEIPT_KEY: `npx wrangler secret bulk .dev.vars`.',
    );
  }
  if (kid !== undefined && !usable.some((key) => key.kid === kid)) {
    return doubtful(
      name,
      'the gateway publishes another key than the one in .dev.vars',
      'That is right where the deployed key is another one; else set it again.',
    );
  }
  return passed(name, `${usable.length} published`);
};

const openapiCheck = (got: Got | undefined): Check => {
  const document = openapiSchema.safeParse(got?.json);
  return got?.status === 200 && document.success
    ? passed('/openapi.json', `OpenAPI ${document.data.openapi}`)
    : doubtful(
        '/openapi.json',
        'the gateway does not describe its management API',
        'It may be of an earlier release, or was deployed without `npm run deploy`.',
      );
};
