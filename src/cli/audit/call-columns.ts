import { deniedLimit } from '../../audit/denied-limit.ts';
import type { Cell } from '../../core/csv.ts';
import { chainIdOf, network, parseAccountId } from '../../protocol/account-id.ts';
import { isFiat } from '../../protocol/fiat-asset.ts';
import type { Facts } from '../../protocol/log/facts.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import { isoTime } from '../lib/units.ts';
import type { LedgerCall, LedgerDenial } from './call-ledger.ts';
import { explorerLink } from '../../protocol/explorer.ts';

/** The type of a column, for formats that have types. `amount`: a decimal with six places. `atomic`: a whole number of any size. */
export type ColumnType = 'text' | 'time' | 'amount' | 'atomic' | 'count';

/** The columns of an exported table of calls (docs/cli.md). Users depend on their order: append new columns at the end. */
export const CALL_TABLE = {
  kind: 'text',
  time: 'time',
  ended: 'time',
  agent: 'text',
  account: 'text',
  owner: 'text',
  tool: 'text',
  outcome: 'text',
  asset: 'text',
  price: 'amount',
  charged: 'amount',
  refunded: 'amount',
  cost: 'amount',
  credited: 'amount',
  denials: 'count',
  rule: 'text',
  limit: 'text',
  spent: 'text',
  held: 'text',
  resets: 'time',
  limit_of: 'text',
  reason: 'text',
  status: 'count',
  paid_by: 'text',
  payment: 'text',
  payee: 'text',
  network: 'text',
  transaction: 'text',
  block: 'count',
  explorer: 'text',
  binding: 'text',
  policy: 'text',
  policies: 'text',
  call: 'text',
  request: 'text',
  entry: 'text',
  seq: 'count',
  price_atomic: 'atomic',
  charged_atomic: 'atomic',
  refunded_atomic: 'atomic',
  cost_atomic: 'atomic',
  credited_atomic: 'atomic',
  asset_id: 'text',
} as const satisfies Readonly<Record<string, ColumnType>>;

type ColumnName = keyof typeof CALL_TABLE;

export type CallTableRow = Partial<Readonly<Record<ColumnName, Cell>>>;

/** The cells of a row in the order of the columns. */
export const cellsOf = (row: CallTableRow): readonly Cell[] =>
  (Object.keys(CALL_TABLE) as readonly ColumnName[]).map((name) => row[name]);

/** One call or denial as a row. `label`: the present label of its account. */
export const rowOf = (line: LedgerCall | LedgerDenial, label: string | undefined): CallTableRow => {
  const { entry, owner } = line;
  const { account, amounts, payment } = entry;
  const on = parseAccountId(account)?.network;
  const price = amounts.price === undefined ? undefined : BigInt(amounts.price);
  const { asset } = payment;
  const { policies }: Facts<'call.accepted'>['evidence'] = entry.evidence;
  const common: CallTableRow = {
    kind: line.kind,
    time: isoTime(entry.at),
    agent: label,
    ...{ account, owner, tool: entry.tool, asset: symbolOf(asset), asset_id: asset },
    ...money('price', price),
    payee: payment.payTo,
    network: on,
    ...{ binding: entry.binding, policy: entry.policy, policies: policiesText(policies) },
    ...{ call: entry.call, request: entry.request, entry: line.hash, seq: entry.seq },
    rule: entry.rule,
  };
  if (line.kind === 'denial')
    return {
      ...common,
      outcome: 'denied',
      ...money('charged', 0n),
      ...money('cost', 0n),
      denials: entry.count ?? 1,
      ...limitCells(line.entry),
    };
  const { transaction, charged, bought, refunded } = line;
  return {
    ...common,
    ended: line.endedAt === undefined ? undefined : isoTime(line.endedAt),
    outcome: line.isKept ? `${line.outcome}, unresolved` : line.outcome,
    ...money('charged', charged),
    ...money('refunded', refunded),
    ...money('cost', charged - bought - refunded),
    ...money('credited', line.credited),
    ...{ reason: line.reason, status: line.status, paid_by: line.entry.payment.paidBy },
    ...{ payment: line.payment, transaction, block: line.block },
    explorer:
      transaction === undefined || on === undefined ? undefined : explorerLink(on, transaction),
  };
};

/** The limit that refused a call, as it was then: amounts as decimals, or numbers of calls. */
const limitCells = (entry: Facts<'call.denied'>): CallTableRow => {
  const denied = deniedLimit(entry);
  if (denied === undefined) return {};
  const { unit, limit, spent, held, resetsAt, account } = denied;
  const figure = (value: bigint | undefined): string | undefined =>
    unit === 'calls' ? value?.toString() : value === undefined ? undefined : decimalOf(value);
  return {
    ...{ limit: figure(limit), spent: figure(spent), held: figure(held) },
    resets: resetsAt === undefined ? undefined : isoTime(resetsAt),
    limit_of: account,
  };
};

const money = (
  name: 'price' | 'charged' | 'refunded' | 'cost' | 'credited',
  amount: bigint | undefined,
): CallTableRow =>
  amount === undefined ? {} : { [name]: decimalOf(amount), [`${name}_atomic`]: amount };

/** Atomic units as a plain decimal. Every asset that a gateway accepts has six places. */
export const decimalOf = (amount: bigint): string => {
  const atomic = amount < 0n ? -amount : amount;
  const places = (atomic % 1_000_000n).toString().padStart(6, '0');
  return `${amount < 0n ? '-' : ''}${atomic / 1_000_000n}.${places}`;
};

const ERC20 = /^eip155:([1-9][0-9]*)\/erc20:(0x[0-9a-f]{40})$/;

/** `USDC` for the pinned contract of a chain, `USD` for dollars of a card, else the asset itself. */
const symbolOf = (asset: string | undefined): string | undefined => {
  if (asset === undefined) return undefined;
  if (isFiat(asset)) return asset.slice('iso4217:'.length);
  const [, chain = '', address] = ERC20.exec(asset) ?? [];
  const on = network(Number(chain));
  return chainIdOf(on) !== undefined && tokenOf(on)?.address === address ? 'USDC' : asset;
};

/** The policies and grants that bound a call, if there are several: `owner eip155:…:0x… 0x…; grant …`. */
const policiesText = (
  policies: Facts<'call.accepted'>['evidence']['policies'],
): string | undefined =>
  policies
    ?.map(({ kind, account, hash }) =>
      [kind, account, hash].filter((part) => part !== undefined).join(' '),
    )
    .join('; ');
