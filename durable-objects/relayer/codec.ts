import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Address, Hex } from '../../src/core/hex.ts';
import type { Pending } from '../../src/settlement/relayer/pending.ts';
import type { Attempt, Counters, FlightRecord, ReportRecord } from './record.ts';

export type Row = Record<string, SqlStorageValue>;

export const pendingRow = (one: Pending): SqlStorageValue[] => [
  one.key,
  one.account,
  one.call,
  one.authorization.from,
  one.authorization.to,
  one.authorization.value.toString(),
  one.authorization.validAfter.toString(),
  one.authorization.validBefore.toString(),
  one.authorization.nonce,
  one.signature,
  one.sinceBlock,
  one.at,
  one.urgent ? 1 : 0,
  one.strikes,
];

export const readPending = (row: Row): Pending => ({
  key: row['key'] as string,
  account: row['account'] as AccountId,
  call: row['call'] as Hex,
  authorization: {
    from: row['payer'] as Address,
    to: row['pay_to'] as Address,
    value: BigInt(row['value'] as string),
    validAfter: BigInt(row['valid_after'] as string),
    validBefore: BigInt(row['valid_before'] as string),
    nonce: row['nonce'] as Hex,
  },
  signature: row['signature'] as Hex,
  sinceBlock: Number(row['since_block']),
  at: Number(row['at']),
  urgent: row['urgent'] === 1,
  strikes: Number(row['strikes']),
});

/** JSON has no bigint. */
const plain = ({ maxFeePerGas, maxPriorityFeePerGas, ...rest }: Attempt) => ({
  ...rest,
  maxFeePerGas: maxFeePerGas.toString(),
  maxPriorityFeePerGas: maxPriorityFeePerGas.toString(),
});

export const flightRow = ({ nonce, keys, attempts, raw }: FlightRecord): SqlStorageValue[] => [
  nonce,
  JSON.stringify(keys),
  JSON.stringify(attempts.map(plain)),
  raw,
];

export const readFlight = (row: Row): FlightRecord => {
  const attempts = JSON.parse(row['attempts'] as string) as ReturnType<typeof plain>[];
  return {
    nonce: Number(row['nonce']),
    keys: JSON.parse(row['keys'] as string) as string[],
    attempts: attempts.map(({ maxFeePerGas, maxPriorityFeePerGas, ...rest }) => ({
      ...rest,
      maxFeePerGas: BigInt(maxFeePerGas),
      maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas),
    })) as [Attempt, ...Attempt[]],
    raw: row['raw'] as Hex,
  };
};

export const reportRow = (report: ReportRecord): SqlStorageValue[] => [
  report.hash,
  report.block,
  report.at,
  report.payments,
  report.gasUsed,
  report.fee.toString(),
  JSON.stringify(report.settled),
];

export const readReport = (row: Row): ReportRecord => ({
  hash: row['hash'] as Hex,
  block: Number(row['block']),
  at: Number(row['at']),
  payments: Number(row['payments']),
  gasUsed: Number(row['gas_used']),
  fee: BigInt(row['fee'] as string),
  settled: JSON.parse(row['settled'] as string) as ReportRecord['settled'],
});

export const countersRow = (counters: Counters): SqlStorageValue[] => [
  counters.address,
  counters.nextNonce,
  counters.transactions,
  counters.payments,
  counters.replaced,
  counters.gasUsed.toString(),
  counters.fees.toString(),
  counters.gasPerPayment,
  counters.warnedAt,
];

export const readCounters = (row: Row): Counters => ({
  address: row['address'] as Address,
  nextNonce: Number(row['next_nonce']),
  transactions: Number(row['transactions']),
  payments: Number(row['payments']),
  replaced: Number(row['replaced']),
  gasUsed: BigInt(row['gas_used'] as string),
  fees: BigInt(row['fees'] as string),
  gasPerPayment: Number(row['gas_per_payment']),
  warnedAt: Number(row['warned_at']),
});
