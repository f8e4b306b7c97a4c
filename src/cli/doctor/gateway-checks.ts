import * as z from 'zod/mini';
import { type Check, failure, passed, skipped, warning } from '../lib/check.ts';
import { type HttpAnswer, httpGet } from '../lib/http-get.ts';
import { lasting } from '../lib/text.ts';

const healthSchema = z.looseObject({ status: z.string() });
const problemSchema = z.looseObject({ detail: z.optional(z.string()) });
const keysSchema = z.looseObject({
  keys: z.array(z.looseObject({ kty: z.string(), crv: z.string(), kid: z.string() })),
});
const openapiSchema = z.looseObject({ openapi: z.string(), paths: z.looseObject({}) });

/** Seconds. The validity of an intent begins this long before its signer's clock. */
const MAX_SKEW = 60;
const SMALL_SKEW = 5;

/** The public routes of a gateway. `kid` names the key that it should publish, if the configuration has it. */
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
    const hint = 'Start it with `npm start`, deploy it, or correct --gateway.';
    return [failure('gateway', `${gateway}: ${health?.error ?? ''}`, hint)];
  }
  return [
    healthCheck(gateway, health.value),
    clockCheck(health.value),
    keysCheck(keys?.ok === true ? keys.value : undefined, kid),
    openapiCheck(openapi?.ok === true ? openapi.value : undefined),
  ];
};

const healthCheck = (gateway: string, { status, json }: HttpAnswer): Check => {
  const health = healthSchema.safeParse(json);
  if (status === 200 && health.success) {
    return health.data.status === 'ok'
      ? passed('gateway', `${gateway} is up`)
      : warning(
          'gateway',
          `${gateway} is ${health.data.status}`,
          'Set PAUSED to "false" and deploy to resume it.',
        );
  }
  const problem = problemSchema.safeParse(json);
  const detail = problem.success ? problem.data.detail : undefined;
  return failure(
    'gateway',
    `${gateway} answers ${status}${detail === undefined ? '' : `: ${detail}`}`,
    'Correct the named setting and deploy again.',
  );
};

const clockCheck = ({ headers, from, until }: HttpAnswer): Check => {
  const name = 'clock gateway';
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) {
    const hint = 'The check of the chain compares its clock instead.';
    return skipped(name, 'the gateway sends no Date header', hint);
  }
  // The header has whole seconds: assume the middle of its second.
  const skew = date + 500 - (from + until) / 2;
  const seconds = Math.abs(skew) / 1000;
  if (seconds < SMALL_SKEW) return passed(name, 'agrees with this one');
  const says = `${lasting(seconds)} ${skew > 0 ? 'ahead of' : 'behind'} this one`;
  const hint = 'Set the clock of this machine: its signatures are valid for four minutes.';
  return seconds < MAX_SKEW ? warning(name, says, hint) : failure(name, says, hint);
};

const keysCheck = (answer: HttpAnswer | undefined, kid: string | undefined): Check => {
  const name = 'receipt keys';
  const keys = keysSchema.safeParse(answer?.json);
  const usable = keys.success
    ? keys.data.keys.filter(({ kty, crv }) => kty === 'OKP' && crv === 'Ed25519')
    : [];
  if (usable.length === 0) {
    const hint = 'Set RECEIPT_KEY: `npx wrangler secret bulk .dev.vars`.';
    return failure(name, 'the gateway publishes no key', hint);
  }
  if (kid !== undefined && !usable.some((key) => key.kid === kid)) {
    return warning(
      name,
      'the gateway publishes another key than the one in .dev.vars',
      'That is right if the deployed Worker has a key of its own; else set RECEIPT_KEY again.',
    );
  }
  return passed(name, `${usable.length} published`);
};

const openapiCheck = (answer: HttpAnswer | undefined): Check => {
  const document = openapiSchema.safeParse(answer?.json);
  return answer?.status === 200 && document.success
    ? passed('/openapi.json', `OpenAPI ${document.data.openapi}`)
    : warning(
        '/openapi.json',
        'the gateway does not publish its management API',
        'Deploy it with `npm run deploy`, which generates the document.',
      );
};
