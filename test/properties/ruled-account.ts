import fc from 'fast-check';
import type { CallRecord } from '../../durable-objects/account/call/call-record.ts';
import { CALL } from '../../durable-objects/account/call/stored-call.ts';
import { flushDenials } from '../../durable-objects/account/call/denial.ts';
import { expire } from '../../durable-objects/account/call/expire.ts';
import { finish } from '../../durable-objects/account/call/finish.ts';
import { reserveWithApproval } from '../../durable-objects/account/call/park.ts';
import { NO_PROGRESS } from '../../durable-objects/account/call/progress.ts';
import { apply } from '../../durable-objects/account/commands/apply.ts';
import { decideApproval } from '../../durable-objects/account/commands/approval.ts';
import { type Context, type Decision, unstored } from '../../durable-objects/account/decision.ts';
import { emptyAccount } from '../../durable-objects/account/state.ts';
import { put } from '../../durable-objects/store/noun.ts';
import { valuesOf } from './values-of.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { accountId } from '../../src/protocol/account-id.ts';
import type { AccountCommand, Status } from '../../src/protocol/account/command.ts';
import type { Call } from '../../src/protocol/account/call.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { ALONE } from './alone.ts';
import { openMemoryStore } from './memory-store.ts';
import { asset, hex, PAYERS, payTo, START, token } from './simulated-account.ts';

/** The account's default policy, with every kind of rule. */
export const RULES: Policy = {
  perCall: 30n,
  exposure: 20n,
  rate: { limit: 6, seconds: 60 },
  repeat: { times: 2, seconds: 90 },
  windows: [{ every: 90, limit: 60n }],
  deny: [{ tools: ['mail.*'], param: 'to', op: 'eq', value: 'x' }],
  require: [{ param: 'size', op: 'lte', value: '10' }],
};
export const RULES_HASH = hex(9, 32);

/** Policies that operators and owners set. */
const DOCUMENTS = [
  null,
  { tools: ['mail.send', 'translate'], lifetime: '90u', rate: { limit: 3, seconds: 10 } },
  { approveAbove: '5u', windows: [{ every: 'hour', limit: '50u' }], binding: 'intent' },
  {
    deny: [{ param: 'host', op: 'hostIn', value: ['a.example'] }],
    payees: [payTo],
    exposure: '9u',
  },
  { assets: [], repeat: { times: 1, seconds: 40 }, softPercent: 50 },
  { maxValidity: 100, validUntil: START + 900, windows: [{ every: 'day', limit: '40u', asset }] },
] as const;

export type Deed =
  | {
      readonly do: 'call';
      readonly price: number;
      readonly tool: string;
      readonly request: number;
      readonly params: Call['params'];
      readonly isBound: boolean;
      readonly life: number;
    }
  | { readonly do: 'end'; readonly which: number; readonly succeeds: boolean }
  | { readonly do: 'decide'; readonly approves: boolean; readonly repeats: boolean }
  | { readonly do: 'policy'; readonly slot: 'operator' | 'owner'; readonly document: number }
  | { readonly do: 'status'; readonly status: Status }
  | { readonly do: 'credit'; readonly amount: number }
  | { readonly do: 'wait'; readonly seconds: number };

const param = fc.oneof(
  fc.constantFrom('x', '3', '11', 'http://a.example/', 'http://b.example').map((value) => ({
    found: true as const,
    value,
  })),
  fc.constant({ found: false as const }),
);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      price: fc.constantFrom(0, 1, 3, 8, 12, 35),
      tool: fc.constantFrom('mail.send', 'translate', 'image'),
      request: fc.nat(3),
      params: fc.record(
        {
          to: param,
          size: fc.oneof(
            { weight: 3, arbitrary: fc.constant({ found: true as const, value: '3' }) },
            param,
          ),
          host: param,
        },
        { requiredKeys: ['size'] },
      ),
      isBound: fc.boolean(),
      life: fc.constantFrom(90, 300),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(4),
      succeeds: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('decide' as const),
      approves: fc.constantFrom(true, true, false),
      repeats: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('policy' as const),
      slot: fc.constantFrom('operator', 'owner'),
      document: fc.nat(DOCUMENTS.length - 1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('status' as const),
      status: fc.constantFrom('active', 'active', 'active', 'paused', 'frozen'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('credit' as const), amount: fc.nat(40) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 3, 11, 11, 60, 400),
    }),
  },
);

export const deeds = fc.array(deed, { minLength: 20, maxLength: 90, size: 'max' });

const INTENT = { fields: {}, signature: hex(0x55, 65) };
const OPERATOR = { account: accountId(token.network, payTo), role: 'operator' } as const;

/** Runs one account under every kind of rule, with its own decisions, and returns its log. `note` receives the rule of each denial. */
export const logOf = (list: readonly Deed[], note: (rule: string) => void): readonly Entry[] => {
  const payer = PAYERS[0];
  const account = accountId(token.network, payer);
  const store = openMemoryStore();
  const log: Entry[] = [];
  let state = emptyAccount(account);
  let now = START;
  let salt = 0;
  let total = 0n;
  const waiting = new Map<Hex, Call>();

  const context = (): Context => ({
    ...ALONE,
    now,
    policy: RULES,
    policyHash: RULES_HASH,
    salt: () => hex((salt += 1), 16),
    read: store,
  });
  const commit = <Verdict>(by: (within: Context) => Decision<Verdict>): Verdict => {
    const before = state.head.seq;
    const decision = by(context());
    ({ state } = decision);
    store.write(decision.writes);
    const written = valuesOf(decision.writes, CALL).flatMap(({ entries }) => entries);
    const added = [...decision.entries, ...written].filter(({ seq }) => seq > before);
    log.push(...added.toSorted((one, other) => one.seq - other.seq));
    return decision.verdict;
  };
  const command = (given: AccountCommand): void =>
    void commit((within) => apply(state, given, within, { isCounted: true }));
  const credit = (amount: bigint): void => {
    total += amount;
    command({ kind: 'credit', from: OPERATOR.account, asset, total });
  };
  const reserve = (call: Call): void => {
    salt += 1;
    const facts = { hasCode: false, balance: 30n, asset, block: 7, nonceUsed: false, at: now };
    const record = store.get(CALL, call.id);
    const verdict = commit((within) =>
      reserveWithApproval({
        ...{ state, record, call, attempt: hex(salt, 16), evidence: { facts } },
        ...{ progress: NO_PROGRESS, context: within },
      }),
    );
    if (verdict.verdict === 'denied') note(verdict.denial.rule);
    else note(verdict.verdict);
    if (verdict.verdict === 'parked') waiting.set(call.id, call);
  };

  credit(60n);
  for (const each of list) {
    switch (each.do) {
      case 'call': {
        salt += 1;
        const { price, isBound, life, tool, params } = each;
        const validBefore = now + life;
        const authority = hex(0, 32);
        const signed = { from: payer, to: payTo, nonce: hex(salt, 32) };
        const isPaid = price > 0 && !isBound;
        reserve({
          account,
          id: signed.nonce,
          request: hex(each.request, 32),
          tool,
          proof: isPaid ? 'x402' : 'intent',
          binding: isPaid ? 'none' : 'intent',
          settlement: price === 0 ? 'free' : 'credit',
          onSilence: 'release',
          timeoutSeconds: 10,
          asset,
          payTo,
          price: BigInt(price),
          validBefore,
          execute: true,
          showsSecret: true,
          ...(params === undefined ? {} : { params }),
          ...(isPaid
            ? {
                payment: {
                  ...{ token, signature: hex(7, 65), maxTimeoutSeconds: 60 },
                  authorization: {
                    ...signed,
                    value: BigInt(price),
                    validAfter: 0n,
                    validBefore: BigInt(validBefore),
                  },
                },
              }
            : { intent: { fields: { validBefore: String(validBefore), authority } } }),
        });
        break;
      }
      case 'end': {
        const running = [...store.find(CALL)].filter((record) => record.state === 'held');
        const record: CallRecord | undefined = running.at(
          -1 - (each.which % (running.length || 1)),
        );
        if (record === undefined) break;
        const success = each.succeeds;
        const outcome = {
          ...({ success, status: success ? 200 : 500, digest: 'none' } as const),
          ...({ reason: success ? 'answered' : 'upstream_status' } as const),
        };
        commit((within) => finish(state, record, record.attempt, outcome, within));
        break;
      }
      case 'decide': {
        const record = [...store.find(CALL)].find((one) => one.state === 'parked');
        if (record === undefined) break;
        const decision = each.approves ? 'approved' : 'refused';
        commit((within) =>
          decideApproval(
            state,
            record,
            { kind: 'approval', call: record.id, decision, by: OPERATOR, intent: INTENT },
            within,
          ),
        );
        const call = waiting.get(record.id);
        if (each.repeats && call !== undefined) reserve(call);
        break;
      }
      case 'policy': {
        const { slot } = each;
        const document = DOCUMENTS[each.document] ?? null;
        command({ kind: 'policy', slot, document, intent: INTENT });
        break;
      }
      case 'status':
        command({ kind: 'status', status: each.status, by: OPERATOR, intent: INTENT });
        break;
      case 'credit':
        credit(BigInt(each.amount));
        break;
      case 'wait': {
        now += each.seconds;
        commit((within) => {
          const flushed = flushDenials(state, within);
          return { ...unstored(flushed.state, undefined), entries: flushed.entries };
        });
        for (const record of store.find(CALL)) {
          const ended = expire(state, record, context());
          if (ended === undefined) continue;
          commit(() => ({
            ...unstored(ended.state, undefined),
            writes: [put(CALL, ended.record), ...ended.writes],
          }));
        }
      }
    }
  }
  now += 20;
  commit((within) => {
    const flushed = flushDenials(state, within);
    return { ...unstored(flushed.state, undefined), entries: flushed.entries };
  });
  return log;
};
