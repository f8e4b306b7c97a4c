import { findTool, routesOf } from '../../catalog/route.ts';
import { createAgent } from '../../client/agent.ts';
import { CountersignError } from '../../client/errors.ts';
import { type ReceivedOffer, readOffer } from '../../client/received-offer.ts';
import type { Config } from '../../config/config.ts';
import { cliErrorOf, CliError, usageError } from '../lib/errors.ts';
import type { Session } from '../lib/session.ts';
import { tokenAmount } from '../lib/units.ts';

/** The call that shows whether the deployed gateway sells. */
export type Probe = { readonly url: string; readonly method: string };

/** @throws CliError usage for a path that no tool serves */
export const probeOf = (
  { audiences: [origin], tools }: Pick<Config, 'audiences' | 'tools'>,
  path: string | undefined,
): Probe | undefined => {
  if (path !== undefined) {
    const url = new URL(path, origin);
    const isHere = path.startsWith('/') && url.origin === origin;
    const found = isHere ? findTool(routesOf(tools), 'GET', url.pathname) : undefined;
    if (found?.route === 'tool') return { url: url.href, method: 'GET' };
    const [method, another] = found?.route === 'method_not_allowed' ? found.allow : [];
    // Of several methods the command must not choose, e.g. DELETE: it pays for the call.
    if (method !== undefined && another === undefined) return { url: url.href, method };
    throw usageError(
      `${path}, the path of --try, is not the path of one tool in tools.json.`,
      "Give a path as callers send it, e.g. --try '/tools/lookup?word=river'.",
    );
  }
  const [tool] = tools
    .filter((each) => !each.disabled && each.price > 0n && !each.path.includes('*'))
    .toSorted(
      (a, b) => Number(isGet(b.method)) - Number(isGet(a.method)) || Number(a.price - b.price),
    );
  if (tool === undefined) return undefined;
  return { url: origin + tool.path, method: isGet(tool.method) ? 'GET' : tool.method };
};

const isGet = (method: string): boolean => method === 'GET' || method === '*';

const PAUSE_MS = 2_000;
const TIMEOUT_MS = 10_000;

export type Offered = { readonly url: string; readonly price: string; readonly seconds: number };

/**
 * Requests the gateway's 402 until it arrives: a new version, a new host name and its certificate may take minutes to spread.
 *
 * @param patience seconds
 * @throws CliError `not_live` with the last answer
 */
export const awaitOffer = async (
  { url, method }: Probe,
  { payTo }: Pick<Config, 'payTo'>,
  patience: number,
  { progress, signal }: Pick<Session, 'progress' | 'signal'>,
): Promise<Offered> => {
  const from = performance.now();
  const seconds = (): number => Math.round((performance.now() - from) / 1000);
  let last = 'no answer';
  return await progress.during(
    () => `waiting for the 402 of ${new URL(url).host} (${last})`,
    async () => {
      for (;;) {
        const asked = await ask(url, method, signal);
        const price = typeof asked === 'string' ? undefined : priceIn(asked, payTo);
        if (price !== undefined) return { url, price, seconds: seconds() };
        last = typeof asked === 'string' ? asked : 'a 402 that pays another address';
        if (seconds() >= patience) break;
        await pause(signal);
      }
      throw new CliError(
        `The Worker is deployed, but ${url} does not ask for a payment: ${last}.`,
        {
          hint: 'A new host name may need some minutes: run `countersign deploy` again, or `countersign doctor`. `npx wrangler tail` shows its log.',
          code: 'not_live',
        },
      );
    },
  );
};

/** The offer, or the answer that came instead. */
const ask = async (
  url: string,
  method: string,
  signal: AbortSignal,
): Promise<ReceivedOffer | string> => {
  try {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (response.status === 402) return await readOffer(response);
    await response.body?.cancel();
    return `status ${response.status}`;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof CountersignError ? 'an unreadable 402' : cliErrorOf(error).message;
  }
};

const priceIn = ({ entries }: ReceivedOffer, payTo: Config['payTo']): string | undefined => {
  for (const entry of entries) {
    if (entry.kind !== 'payable') continue;
    const { network, payTo: payee, amount, asset } = entry.requirement;
    if (payTo.get(network)?.toLowerCase() === payee.toLowerCase())
      return tokenAmount(amount, network, asset);
  }
  return undefined;
};

const pause = async (signal: AbortSignal): Promise<void> =>
  await new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, PAUSE_MS);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      },
      { once: true },
    );
  });

export type Paid = { readonly status: number; readonly receipt: 'verified' | 'missing' };

const MAX_TEST_PAYMENT = '$1';

/** Makes one paid call, with the key of --as. @throws CliError if the gateway or the client refuses it */
export const payOnce = async (
  { url, method }: Probe,
  session: Pick<Session, 'profile' | 'progress' | 'signal'>,
): Promise<Paid> => {
  const account = await session.profile.signer('agent', new URL(url).origin);
  const spend = { perCall: MAX_TEST_PAYMENT, total: MAX_TEST_PAYMENT } as const;
  const response = await session.progress.during('paying for one call', async () =>
    createAgent({ account, spend }).fetch(url, { method, signal: session.signal }),
  );
  const { receipt } = response.countersign;
  await response.body?.cancel();
  if (receipt?.verified === true) return { status: response.status, receipt: 'verified' };
  throw new CliError(
    `The gateway is live, but the test call got ${response.status}${receipt === undefined ? ' without a receipt' : ' with a receipt that does not verify'}.`,
    {
      hint: `\`countersign call '${url}' -v\` shows each step.`,
      code: 'test_call_failed',
    },
  );
};
