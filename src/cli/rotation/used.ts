import { ZERO_ADDRESS } from '../../core/hex.ts';
import type { AnswerOf } from '../../management/routes.ts';
import { type AssetId, type Network, signedAsset } from '../../protocol/account-id.ts';
import type { AgentDelegation } from '../../protocol/intent/agent-delegation.ts';

type Standing = AnswerOf<'account.get'>;
type Row = Standing['money'][number]['limits'][number];

/** The counted spend of a grant, including money that running calls hold. */
export type Used = { readonly total: bigint; readonly window: bigint };

const counted = ({ spent, held }: Row): bigint => BigInt(spent) + BigInt(held);

const limitsIn = ({ money }: Standing, asset: AssetId): readonly Row[] | undefined =>
  money.find((purse) => purse.asset === asset)?.limits;

/**
 * The counted spend of each active grant of an account in its own asset, in the order of the standing's `grants`. The standing lists the
 * limits of the active grants in the same order, the total last, without naming the grant, so the limits are compared with the signed
 * terms.
 *
 * @returns undefined if the limits are not those of the grants
 */
export const usedOf = (
  standing: Standing,
  delegations: readonly AgentDelegation[],
  network: Network,
): readonly Used[] | undefined => {
  const used: Used[] = [];
  for (const [at, delegation] of delegations.entries()) {
    const rows =
      delegation.asset === ZERO_ADDRESS
        ? []
        : (limitsIn(standing, signedAsset(network, delegation.asset)) ?? []);
    const groups = groupsOf(rows);
    // The account never spent or held in this asset.
    if (rows.length === 0) used.push({ total: 0n, window: 0n });
    else {
      const group = groups.length === delegations.length ? groups[at] : undefined;
      const total = group?.at(-1);
      if (total === undefined || BigInt(total.limit) !== stored(delegation.maxTotal)) {
        return undefined;
      }
      const window = group?.find(({ rule }) => rule.startsWith('grant:window:'));
      used.push({ total: counted(total), window: window === undefined ? 0n : counted(window) });
    }
  }
  return used;
};

/** The account stores no limit above the largest safe integer. */
const stored = (amount: bigint): bigint => {
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  return amount < most ? amount : most;
};

const groupsOf = (rows: readonly Row[]): readonly (readonly Row[])[] => {
  const groups: Row[][] = [];
  let open: Row[] = [];
  for (const row of rows.filter(({ rule }) => rule.startsWith('grant:'))) {
    open.push(row);
    if (row.rule === 'grant:lifetime') {
      groups.push(open);
      open = [];
    }
  }
  return groups;
};

/**
 * The counted spend of a limit in the account's own policies, in the asset with the highest count. The owner's and the operator's limits of
 * one name share a counter. Zero before the account has money.
 */
export const usedOfOwn = ({ money }: Standing, name: string): bigint => {
  const amounts = money.flatMap(({ limits }) =>
    limits.filter(({ rule }) => rule === `owner:${name}` || rule === name).map(counted),
  );
  return amounts.reduce((most, amount) => (amount > most ? amount : most), 0n);
};

/**
 * How much the account can still spend in an asset under the lifetime limit of its owner's policy, after the gateway has applied that
 * limit.
 */
export const remainingOf = (standing: Standing, asset: AssetId, cap: bigint): bigint => {
  const row = limitsIn(standing, asset)?.find(({ rule }) => rule === 'owner:lifetime');
  const remaining = row === undefined ? cap : cap - counted(row);
  return remaining > 0n ? remaining : 0n;
};
