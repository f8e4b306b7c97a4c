import { lasting } from '../../core/lasting.ts';
import * as z from 'zod/mini';
import type { Management } from '../../client/management.ts';
import type { ItemOf } from '../../management/routes.ts';
import { type Check, failure, passed, skipped, warning } from '../lib/checks.ts';
import { cliErrorOf } from '../lib/errors.ts';
import { type HttpAnswer, httpGet } from '../lib/http-get.ts';
import { counted } from '../lib/text.ts';
import { shortTime } from '../lib/units.ts';

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
    const hint =
      'Start it with `npm run dev` in a project or `npm start` in the repository, deploy it, or correct --gateway.';
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
    return skipped(name, 'GET /health has no Date header here; a deployed gateway adds one', hint);
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

const QUEUES = 'queues';

/** Settlement rounds are seconds apart: a payment that waits this long met a problem. */
const LONG_WAIT = 900;

/** Open settlements and dead letters. */
export const queueCheck = async (
  management: Management,
  now: number,
  signal: AbortSignal,
): Promise<Check> => {
  try {
    const { body } = await management.call('queues', { signal });
    const { open_settlements: open, dead_letters: dead, oldest_open_at: oldest } = body;
    const says = `${counted(open, 'open settlement')}, ${counted(dead, 'dead letter')}`;
    if (dead > 0) {
      const hint =
        '`countersign settlements letters` shows why; `settlements resend` sends one again.';
      return warning(QUEUES, says, hint);
    }
    if (oldest !== undefined && now - oldest > LONG_WAIT) {
      return warning(
        QUEUES,
        `${says}, the oldest for ${lasting(now - oldest)}`,
        '`countersign settlements list --state open` shows the last backend and its error.',
      );
    }
    return passed(QUEUES, says);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, hint } = cliErrorOf(error);
    return code === 'not_found' || code === 'method_not_allowed'
      ? warning(
          QUEUES,
          'the server has no management API',
          'Give --gateway the origin of a Countersign gateway, e.g. https://gateway.example.',
        )
      : failure(QUEUES, message, hint);
  }
};

/** Below this many payments, the gas of a relayer key runs out soon. */
const FEW_PAYMENTS = 1_000;

/** Seconds. The relayer reads its balance again at each request for its status. */
const OLD_BALANCE = 60;

/** Health of backends, and gas of relayer keys. No checks for a server without these routes. */
export const backendChecks = async (
  management: Management,
  now: number,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  try {
    const [{ body: backends }, { body: relayers }] = await Promise.all([
      management.call('backends', { signal }),
      management.call('relayers', { signal }),
    ]);
    return [
      ...backends.items.map(backendCheck),
      ...relayers.items.map((item) => relayerCheck(item, now)),
    ];
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, hint } = cliErrorOf(error);
    if (code === 'not_found' || code === 'method_not_allowed') return [];
    return [failure('backends', message, hint)];
  }
};

export const backendCheck = (backend: ItemOf<'backends'>): Check => {
  const { network, succeeded, failed, state, last_error: error, at } = backend;
  const name = `backend ${backend.backend}`;
  const says = `${network}: ${succeeded} accepted, ${failed} failed`;
  if (state === 'closed') return passed(name, says);
  const last = error === undefined ? '' : `, last ${error}`;
  const use = state === 'open' ? 'not used' : 'on trial';
  return warning(
    name,
    `${says}${last}; ${use} since ${shortTime(at)}`,
    'The gateway uses other backends meanwhile and retries this one by itself. See docs/operations.md.',
  );
};

export const relayerCheck = (relayer: ItemOf<'relayers'>, now: number): Check => {
  const name = `relayer ${relayer.network}`;
  if (relayer.state === 'unavailable')
    return failure(name, 'its object does not answer', 'Look at the logs of the Worker.');
  if (relayer.state !== 'ready')
    return warning(name, 'it is not set up', 'Check RELAYERS and RELAYER_KEY.');
  const { covers, waiting = 0, address, balance_at: at } = relayer;
  const gas =
    covers === undefined ? 'balance not read yet' : `gas for ${counted(covers, 'payment')}`;
  const says = `${address}: ${gas}, ${counted(waiting, 'payment')} waiting`;
  if (covers === undefined || at === undefined || now - at > OLD_BALANCE) {
    const age = at === undefined ? says : `${says}, as of ${lasting(now - at)} ago`;
    return warning(name, age, 'No node of its chain answers it: check RPC_URLS.');
  }
  const hint = `Send the chain's coin to ${address}.`;
  if (covers >= FEW_PAYMENTS) return passed(name, says);
  return covers === 0 ? failure(name, says, hint) : warning(name, says, hint);
};
