import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Address, type Hex, parseAbiItem } from 'viem';
import { people } from '../../../dev/stack/people.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { decodeChunk } from '../../../src/audit/read-chunk.ts';
import { GENESIS } from '../../../src/audit/entry.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import type { Fault } from '../../../src/audit/verify/check.ts';
import { type Broken, type Expectation, verifyRun } from '../../../src/audit/run.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { err, type Result } from '../../../src/core/result.ts';
import { signaturesOf } from '../../support/verify-log.ts';
import { ACCOUNT } from '../../../durable-objects/account/state.ts';
import { readLine } from '../../../durable-objects/store/journal.ts';
import type { Stage } from './stage.ts';

/** A row of `calls` in D1, with the row of its payment if the payment has ended. Amounts in atomic units. */
export type RecordedCall = {
  readonly call: Hex;
  readonly tool: string;
  readonly state: string;
  readonly paidBy: string;
  readonly price: bigint;
  readonly charged: bigint;
  readonly payment: string | undefined;
  readonly fault: string | undefined;
};

/** An account's money, as its object stores it. */
type Purse = Readonly<
  Record<'credit' | 'creditHeld' | 'deferredHeld' | 'upfrontHeld' | 'unsettled' | 'settled', bigint>
>;

/** All that the gateway stores about an account, in D1 and in its object. */
export type AccountRecord = {
  readonly calls: readonly RecordedCall[];
  readonly entries: readonly Entry[];
  readonly head: { readonly seq: number; readonly hash: Hex };
  readonly purse: Purse;
};

const STATE = 'state/v3';

const open = <T>(file: string, read: (database: DatabaseSync) => T): T => {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 30_000 });
  try {
    return read(database);
  } finally {
    database.close();
  }
};

/** The databases of a folder that have a table of this name. */
const databasesWith = (folder: string, table: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))
    .map((name) => join(folder, name))
    .filter((file) =>
      open(file, (database) =>
        database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').all(table),
      ).some(() => true),
    );

const optional = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

const amount = (value: unknown): bigint => BigInt((value ?? 0) as number);

const readCalls = (database: DatabaseSync, account: string): readonly RecordedCall[] =>
  database
    .prepare(
      `SELECT call, tool, state, paid_by, price, charged, nullif(payment, 'open') AS payment, fault FROM calls WHERE account = ?`,
    )
    .all(account)
    .map((row) => ({
      call: row['call'] as Hex,
      tool: String(row['tool']),
      state: String(row['state']),
      paidBy: String(row['paid_by']),
      price: amount(row['price']),
      charged: amount(row['charged']),
      payment: optional(row['payment']),
      fault: optional(row['fault']),
    }));

const readEntries = async (bodies: readonly unknown[]): Promise<readonly Entry[]> => {
  const entries: Entry[] = [];
  for (const body of bodies) {
    const decoded = await decodeChunk(body as Uint8Array);
    if (!decoded.ok) throw new Error(`a chunk cannot be read: ${JSON.stringify(decoded.error)}`);
    entries.push(...decoded.value);
  }
  return entries;
};

/** An account's state, as its object stores it. */
type Stored = {
  readonly account: string;
  readonly head: { readonly seq: number; readonly hash: Hex };
  readonly purses: Readonly<Record<string, Record<string, unknown>>>;
};

/** The newest state in the journal of an object: STORAGE.md, "What is in the two tables?". */
const stateIn = (database: DatabaseSync): Stored | undefined => {
  const states = database
    .prepare(
      `SELECT text FROM journal WHERE seq - slot = (SELECT seq FROM journal WHERE slot = 0)
       ORDER BY slot`,
    )
    .all()
    .flatMap(({ text }) => String(text).split('\n').map(readLine))
    .filter(({ noun }) => noun === ACCOUNT.name);
  const text = states.at(-1)?.encoded?.text;
  return text === undefined ? undefined : (JSON.parse(text) as Stored);
};

const auditIn = (directory: string): string => {
  const [audit] = databasesWith(join(directory, STATE, 'd1/miniflare-D1DatabaseObject'), 'chunks');
  if (audit === undefined) throw new Error('there is no audit database');
  return audit;
};

const objectsIn = (directory: string): readonly string[] =>
  databasesWith(join(directory, STATE, 'do/countersign-AgentAccount'), 'journal');

const recordOf = async (
  audit: string,
  { account, head, purses }: Stored,
): Promise<AccountRecord> => {
  const stored = open(audit, (database) => ({
    calls: readCalls(database, account),
    bodies: database
      .prepare('SELECT body FROM chunks WHERE account = ? ORDER BY first_seq')
      .all(account)
      .map(({ body }) => body),
  }));
  const [purse] = Object.values(purses);
  return {
    calls: stored.calls,
    entries: await readEntries(stored.bodies),
    head,
    purse: purseOf(purse),
  };
};

/** Reads the record of every account that has one. The gateway may be running. */
export const readAccountRecords = async (
  directory: string,
): Promise<ReadonlyMap<string, AccountRecord>> => {
  const audit = auditIn(directory);
  const records = new Map<string, AccountRecord>();
  for (const file of objectsIn(directory)) {
    const known = open(file, stateIn);
    if (known !== undefined) records.set(known.account, await recordOf(audit, known));
  }
  return records;
};

/**
 * Returns a function that reads the record of one account and finds its object only once. Concurrent tests read only their own accounts:
 * decoding all of them for each test kept this process from answering as facilitator and chain.
 */
export const accountReader = (directory: string) => {
  const files = new Map<string, string>();
  const fileOf = (account: string): string | undefined => {
    if (!files.has(account)) {
      const known = new Set(files.values());
      for (const file of objectsIn(directory)) {
        const found = known.has(file) ? undefined : open(file, stateIn)?.account;
        if (found !== undefined) files.set(found, file);
      }
    }
    return files.get(account);
  };
  return async (account: string): Promise<AccountRecord | undefined> => {
    const file = fileOf(account);
    const known = file === undefined ? undefined : open(file, stateIn);
    return known === undefined ? undefined : await recordOf(auditIn(directory), known);
  };
};

const purseOf = (purse: Record<string, unknown> = {}): Purse => ({
  credit: amount(purse['credit']),
  creditHeld: amount(purse['creditHeld']),
  deferredHeld: amount(purse['deferredHeld']),
  upfrontHeld: amount(purse['upfrontHeld']),
  unsettled: amount(purse['unsettled']),
  settled: amount(purse['settled']),
});

/** Finds a call by its id. */
export const callOf = (
  { calls }: AccountRecord,
  { nonce }: { readonly nonce: Hex },
): RecordedCall | undefined => calls.find(({ call }) => call === nonce);

/** Whether every call and payment of an account has ended, and D1 has all its entries. */
export const isClosed = ({ calls, entries, head, purse }: AccountRecord): boolean =>
  entries.at(-1)?.seq === head.seq &&
  purse.unsettled + purse.deferredHeld + purse.upfrontHeld + purse.creditHeld === 0n &&
  calls.every(({ paidBy, payment }) => paidBy === 'credit' || payment !== undefined);

/** Returns the amount that a payer has moved to the gateway's `payTo`, from the chain's logs. */
export const movedBy = async (stage: Stage, payer: Address): Promise<bigint> => {
  const logs = await stage.stack.chain.client.getLogs({
    address: usdc.address,
    event: parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)'),
    args: { from: payer, to: people.payTo },
    fromBlock: 0n,
    toBlock: 'latest',
  });
  return logs.reduce((sum, { args }) => sum + (args.value ?? 0n), 0n);
};

/** Returns all charges, plus the remaining credit (a debt is negative), less write-offs. */
export const ledgerOf = ({ calls, purse }: AccountRecord): bigint =>
  calls.reduce(
    (sum, { charged, payment, fault }) =>
      payment === 'failed' && fault === 'gateway' ? sum : sum + charged,
    purse.credit,
  );

/** Verifies an account's exported log from its first entry to the object's head, with every signature. */
export const verifyRecord = async (account: AccountId, { entries, head }: AccountRecord) =>
  await verifySigned(entries, { account, after: GENESIS, lastHash: head.hash });

/** Verifies the chain of some entries, then every signature. */
const verifySigned = async (
  entries: readonly Entry[],
  expected: Expectation,
): Promise<Result<unknown, Broken | Fault>> => {
  const run = verifyRun(entries, expected);
  if (!run.ok) return run;
  const { first } = await signaturesOf(entries);
  return first === undefined ? run : err(first);
};

/** Verifies all logs that a gateway has exported so far. Returns the broken ones with their account. */
export const brokenLogs = async (
  directory: string,
): Promise<readonly (readonly [string, Broken | Fault])[]> => {
  const records = [...(await readAccountRecords(directory))].filter(
    ([, { entries }]) => entries.length > 0,
  );
  const faults = await Promise.all(
    records.map(async ([account, { entries }]) => {
      const verified = await verifySigned(entries, {
        account: account as AccountId,
        after: GENESIS,
      });
      return verified.ok ? [] : [[account, verified.error] as const];
    }),
  );
  return faults.flat();
};
