import { archiveBucket } from '../config/optional-bindings.ts';
import { readScreening, type ScreeningSettings } from '../config/screening-setting.ts';
import { type Clock, type Seconds, SYSTEM_CLOCK } from '../core/clock.ts';
import type { Address } from '../core/hex.ts';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import {
  SCREENING_LIFETIME,
  type Screened,
  type ScreeningVerdict,
} from '../protocol/account/screening.ts';
import type { EgressReach } from '../protocol/egress-url.ts';
import { openProvider, type Provider } from './provider.ts';
import { openStoredLists, type StoredLists } from './stored-lists.ts';

/** Returns the verdict on an account. Never throws: a source that fails makes the verdict `unanswered`. */
export type Screener = (account: AccountId) => Promise<ScreeningVerdict>;

/**
 * Opens the screener of an environment.
 *
 * @throws if the setting is malformed.
 */
export const openScreener = (text: string, env: Env, reach: EgressReach): Screener => {
  const read = readScreening(text, reach);
  if (!read.ok || read.value === undefined) throw new Error('SCREENING is malformed');
  const { provider } = read.value;
  const { SCREENING_KEY = '' } = env as { readonly SCREENING_KEY?: string };
  return screenerOf(read.value, {
    lists: openStoredLists(archiveBucket(env), SYSTEM_CLOCK.now),
    ...(provider === undefined ? {} : { provider: openProvider(provider, SCREENING_KEY.trim()) }),
    clock: SYSTEM_CLOCK,
  });
};

/** What the screener asks. */
export type Sources = {
  readonly lists: StoredLists;
  readonly provider?: Provider;
  readonly clock: Clock;
};

type Answered = { readonly verdict: Screened; readonly source: string };

/** Verdicts that an isolate keeps: it asks the provider about an owner once, however many agents spend its credit. */
const MAX_KEPT = 10_000;

/** How often a request looks whether another one has an answer, milliseconds. */
const TICK_MS = 20;

/** A question that takes longer has lost its request, which the runtime ends with all that it waits for. Longer than any timeout. */
const TAKE_OVER_MS = 6_000;

/**
 * The order is: addresses that the operator cleared, lists, provider. One question about an address is open at a time in an isolate;
 * other requests for it wait for its answer, which is plain data: on Workers a request must not wait for the connection of another one.
 */
export const screenerOf = (settings: ScreeningSettings, sources: Sources): Screener => {
  const { onFailure } = settings;
  const { clock } = sources;
  const now = (): Seconds => Math.floor(clock.now() / 1000);
  const kept = new Map<string, ScreeningVerdict>();
  const asking = new Map<string, number>();

  const known = (account: AccountId): ScreeningVerdict | undefined => {
    const last = kept.get(account);
    return last !== undefined && now() < last.at + SCREENING_LIFETIME[last.verdict]
      ? last
      : undefined;
  };

  const ask = async (account: AccountId): Promise<ScreeningVerdict> => {
    const since = clock.now();
    asking.set(account, since);
    try {
      const { verdict, source } = await answerOf(settings, sources, account);
      const passes = verdict === 'clear' || (verdict === 'unanswered' && onFailure === 'allow');
      const answered = { account, verdict, source, passes, at: now() };
      kept.delete(account);
      kept.set(account, answered);
      const [oldest] = kept.keys();
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      return answered;
    } finally {
      if (asking.get(account) === since) asking.delete(account);
    }
  };

  return async (account) => {
    for (;;) {
      const last = known(account);
      if (last !== undefined) return last;
      const since = asking.get(account);
      if (since === undefined || clock.now() >= since + TAKE_OVER_MS) return ask(account);
      await clock.sleep(TICK_MS);
    }
  };
};

const answerOf = async (
  { cleared, lists: names, provider: asked }: ScreeningSettings,
  { lists, provider }: Sources,
  account: AccountId,
): Promise<Answered> => {
  const parts = parseAccountId(account);
  if (parts === undefined) return { verdict: 'unanswered', source: 'account' };
  const address: Address = parts.address;
  if (cleared.includes(address)) return { verdict: 'clear', source: 'cleared' };
  const has = await Promise.all(names.map(async (name) => lists(name, address)));
  const listed = names.find((_, index) => has[index] === true);
  if (listed !== undefined) return { verdict: 'listed', source: `list:${listed}` };
  const unread = names.find((_, index) => has[index] === undefined);
  if (unread !== undefined) return { verdict: 'unanswered', source: `list:${unread}` };
  if (asked === undefined || provider === undefined) return { verdict: 'clear', source: 'lists' };
  const verdict = await provider(address, parts.network);
  return { verdict: verdict ?? 'unanswered', source: `provider:${asked.name}` };
};
