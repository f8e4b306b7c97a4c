import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Keeper } from './keeper.ts';
import type { Left, Link } from './limits.ts';
import type { World } from './world.ts';

type Standing = { readonly chain: readonly Link[]; readonly authority: Hex | undefined };

/** Returns the grants under which the account may call now. Undefined if none is valid. */
const standingOf = ({ grants, reference, clock }: World, keeper: Keeper): Standing | undefined => {
  const { account } = keeper;
  const lives = (chain: readonly Link[]) => reference.lives({ account, chain, at: clock.now });
  const held = grants.held(keeper);
  if (held.length === 0) return lives([]) ? { chain: [], authority: undefined } : undefined;
  const live = held.findLast(({ chain }) => lives(chain));
  return live === undefined ? undefined : { chain: live.chain, authority: live.signed.hash };
};

const ask = ({ calls }: World, keeper: Keeper, { authority }: Standing, price: bigint) =>
  calls.make(keeper, { price, authority, keep: false, appetite: 0n });

const deniedOf = (verdict: ReserveVerdict): Denial => {
  if (verdict.verdict !== 'denied') throw new Error(`expected a denial: ${verdict.verdict}`);
  return verdict.denial;
};

const text = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : each));

/** Tells whether a denial names a limit that is too small for the price, with its remaining amount. */
const refuses = (limits: readonly Left[], { account, limit }: Denial, price: bigint): boolean => {
  if (limit === undefined) return false;
  const reported = BigInt(limit.remaining);
  return limits.some((each) => {
    const left = each.remaining > 0n ? each.remaining : 0n;
    return (
      account === each.account &&
      limit.rule.split(':').at(-1) === each.name &&
      limit.limit === each.limit.toString() &&
      left < price &&
      // For a call that cannot fit, the account asks no descendants, so it lacks their spend since the last report.
      (reported === left || reported < price)
    );
  });
};

/** Checks that this account alone can spend exactly what remains, whichever accounts hold shares of it. */
export const checkUsable = (world: World, keeper: Keeper, hasWaited = false): void => {
  const { reference, clock, note, calls } = world;
  const standing = standingOf(world, keeper);
  // Wait until no account may act on an older statement.
  if (
    !hasWaited &&
    (standing === undefined ||
      !reference.isInformed({ account: keeper.account, chain: standing.chain, at: clock.now }))
  ) {
    world.wait(61, false);
    return checkUsable(world, keeper, true);
  }
  if (standing === undefined) {
    const verdict = ask(world, keeper, { chain: [], authority: undefined }, 1n);
    if (world.grants.bound.has(keeper)) deniedOf(verdict);
    return note('nothing lives');
  }
  const { account } = keeper;
  const { chain } = standing;
  const caller = { account, chain, at: clock.now };
  const limits = reference.left(caller);
  const credits = [account, ...chain.map(({ issuer }) => issuer)].map(reference.creditLeft);
  const credit = credits.reduce((a, b) => (a > b ? a : b));
  const rest = limits.reduce((a, { remaining: b }) => (a < b ? a : b), credit);
  const perCall = reference.perCall(caller) ?? rest + 1n;
  // The counter may already exceed a limit that was lowered later.
  const price = rest > 0n ? rest : 0n;

  const denial = deniedOf(ask(world, keeper, standing, price + 1n));
  // The account first denies what it can deny without its ancestors.
  if (denial.rule === 'per_call') {
    if (price + 1n <= perCall) throw new Error(`not too dear: ${text(denial)}`);
  } else if (denial.rule === 'credit' && credit <= price) {
    // If no credit can pay for the call, the account does not ask its ancestors for the remaining limit.
    note('rest refused unpaid');
  } else if (limits.some(({ remaining }) => remaining <= price)) {
    if (!refuses(limits, denial, price + 1n))
      throw new Error(`wrong limit: ${text({ denial, limits })}`);
    note(`rest refused ${denial.account === account ? 'own' : 'of an ancestor'}`);
  } else if (denial.rule !== 'credit') throw new Error(`expected credit: ${text(denial)}`);

  if (price === 0n || price > perCall) return;
  const verdict = ask(world, keeper, standing, price);
  if (verdict.verdict !== 'go') {
    throw new Error(`${price} of ${text({ limits, credits })} cannot be used: ${text(verdict)}`);
  }
  note('rest used');
  calls.finish(0, 'failure');
};
