import type { Hex } from '../../src/core/hex.ts';
import { listAccounts } from '../../src/management/account.ts';
import { findCall } from '../../src/management/call.ts';
import { listCalls } from '../../src/management/call-list.ts';
import { listChargeChanges } from '../../src/management/charge-change.ts';
import { findDeadLetter, listDeadLetters, markRedriven } from '../../src/management/dead-letter.ts';
import { newestCalls } from '../../src/management/newest-calls.ts';
import { listEntries } from '../../src/management/entry-list.ts';
import { readOverview } from '../../src/management/overview.ts';
import { cursorOf, type ListPage, type Queried } from '../../src/management/page.ts';
import { queueDepths } from '../../src/management/queue.ts';
import type { SettlementState } from '../../src/management/settlement-body.ts';
import { settlementStory } from '../../src/management/settlement-story.ts';
import { listSettlements } from '../../src/management/settlement-list.ts';
import { spendReport } from '../../src/management/spend-query.ts';
import type { SpendKey } from '../../src/management/spend-range.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { BUSY, BUSY_CALL, DAYS, nth } from './fill.ts';
import { START } from '../unit/audit/history.ts';

export type Query = readonly [
  name: string,
  run: (db: D1Database) => Queried<ListPage<unknown, unknown> | object | undefined | void>,
];

const DAY = 86_400;
const [ROOT, OWNER, AGENT, BUSIEST] = [nth(0), nth(1), nth(56), nth(BUSY)];
const limit = 100;
const day = (at: number) => new Date(at * 1000).toISOString().slice(0, 10);
const whole = { from: day(START - DAYS * DAY), to: day(START), limit };
const week = { from: day(START - 37 * DAY), to: day(START - 30 * DAY), limit };
const middle = START - (DAYS / 2) * DAY;
const [deep, deepOf] = [
  cursorOf('calls', [middle, AGENT, '0x']),
  cursorOf('calls of', [0, middle, '0x']),
];

const states: readonly (SettlementState | undefined)[] = [
  undefined,
  'open',
  'settled',
  'failed',
  'released',
  'kept',
];
const keys: readonly SpendKey[] = ['tool', 'payee', 'day', 'account'];
const scopes = [
  ['all accounts', '*'],
  ['the whole tree', ROOT],
  ['an owner', OWNER],
  ['an agent', AGENT],
] as const;

/** Every list, filter and report, with filters that match many rows, few or none. `real` is an account whose chunks contain its entries. */
export const queries = (real: AccountId, call: Hex): readonly Query[] => [
  ['accounts', (db) => listAccounts(db, { limit })],
  [
    'accounts from the middle',
    (db) => listAccounts(db, { limit, after: cursorOf('accounts', [AGENT]) }),
  ],
  ['accounts of an owner', (db) => listAccounts(db, { limit, parent: OWNER })],
  ['accounts that are frozen', (db) => listAccounts(db, { limit, status: 'frozen' })],
  ['accounts by a label of many', (db) => listAccounts(db, { limit, label: 'agent 1' })],
  ['accounts by a label of none', (db) => listAccounts(db, { limit, label: 'unused' })],
  ['calls', (db) => listCalls(db, { limit })],
  ['calls from the middle', (db) => listCalls(db, { limit, after: deep })],
  ['calls of a week', (db) => listCalls(db, { limit, from: middle - 7 * DAY, to: middle })],
  ['calls of a tool', (db) => listCalls(db, { limit, tool: 'tool-3' })],
  ['calls of no tool', (db) => listCalls(db, { limit, tool: 'none' })],
  ['calls of no tool from the middle', (db) => listCalls(db, { limit, tool: 'none', after: deep })],
  ['calls before today, from the middle', (db) => listCalls(db, { limit, to: START, after: deep })],
  [
    'calls of no tool since long',
    (db) => listCalls(db, { limit, tool: 'none', from: 1, to: START }),
  ],
  [
    'calls of no tool since long, from the middle',
    (db) => listCalls(db, { limit, tool: 'none', from: 1, to: START, after: deep }),
  ],
  ['calls that are held', (db) => listCalls(db, { limit, state: 'held' })],
  ['calls that failed', (db) => listCalls(db, { limit, state: 'failed' })],
  ['calls in no state', (db) => listCalls(db, { limit, state: 'abandoned' })],
  ['calls of an account', (db) => listCalls(db, { limit, account: AGENT })],
  [
    'calls of an account from the middle',
    (db) => listCalls(db, { limit, account: AGENT, after: deepOf }),
  ],
  [
    'calls of an account and no tool',
    (db) => listCalls(db, { limit, account: AGENT, tool: 'none' }),
  ],
  [
    'calls of an account in a week',
    (db) => listCalls(db, { limit, account: AGENT, from: middle, to: middle + 7 * DAY }),
  ],
  ['calls of a busy account', (db) => listCalls(db, { limit, account: BUSIEST })],
  [
    'calls of a busy account and no tool',
    (db) => listCalls(db, { limit, account: BUSIEST, tool: 'none' }),
  ],
  [
    'calls of a busy account in a week',
    (db) => listCalls(db, { limit, account: BUSIEST, from: middle, to: middle + 7 * DAY }),
  ],
  ['newest calls of the whole tree', (db) => newestCalls(db, ROOT, ROOT, { limit: 50 })],
  [
    'newest calls of a tool of the tree',
    (db) => newestCalls(db, ROOT, ROOT, { limit, tool: 'tool-3' }),
  ],
  [
    'newest calls of no tool of the tree',
    (db) => newestCalls(db, ROOT, ROOT, { limit, tool: 'none' }),
  ],
  ["newest calls of an owner's tree", (db) => newestCalls(db, OWNER, OWNER, { limit })],
  ['newest calls of a busy account', (db) => newestCalls(db, BUSIEST, BUSIEST, { limit })],
  ['a thousand calls', (db) => listCalls(db, { limit: 1_000 })],
  ['one call', (db) => findCall(db, real, call)],
  ['the first call of half a million', (db) => findCall(db, BUSIEST, BUSY_CALL)],
  ['no call of half a million', (db) => findCall(db, BUSIEST, `0x${'ff'.repeat(32)}`)],
  ...states.flatMap((state): Query[] => [
    [`settlements, ${state ?? 'all'}`, (db) => listSettlements(db, { limit, state })],
    [
      `settlements of an account, ${state ?? 'all'}`,
      (db) => listSettlements(db, { limit, state, account: AGENT }),
    ],
    [
      `settlements of a busy account, ${state ?? 'all'}`,
      (db) => listSettlements(db, { limit, state, account: BUSIEST }),
    ],
  ]),
  ['the story of a settlement', (db) => settlementStory(db, real, call)],
  ['entries', (db) => listEntries(db, real, { limit })],
  ['entries of a type', (db) => listEntries(db, real, { limit, type: 'payment.settled' })],
  ['entries of no type', (db) => listEntries(db, real, { limit, type: 'grant.issued' })],
  [
    'denials of a day',
    (db) => listEntries(db, real, { limit, type: 'call.denied', from: START, to: START + DAY }),
  ],
  ['a thousand entries', (db) => listEntries(db, real, { limit: 1_000, after: 2_000 })],
  ...scopes.flatMap(([name, scope]) =>
    keys.map((by): Query => [
      `spend of ${name} by ${by}`,
      (db) => spendReport(db, { ...whole, scope, by }),
    ]),
  ),
  ['spend of a week by account', (db) => spendReport(db, { ...week, scope: '*', by: 'account' })],
  [
    'spend in one asset',
    (db) => spendReport(db, { ...whole, scope: '*', by: 'tool', asset: 'asset-1' }),
  ],
  [
    'spend from the middle',
    (db) =>
      spendReport(db, {
        ...whole,
        scope: '*',
        by: 'account',
        after: cursorOf('spend account', [AGENT, 'asset-0']),
      }),
  ],
  ...scopes.flatMap(([name, scope]): Query[] => [
    [`overview of ${name}, today`, (db) => readOverview(db, { scope }, whole.to, 1)],
    [`overview of ${name}, 7 days`, (db) => readOverview(db, { scope }, whole.to, 7)],
  ]),
  [
    'spend of a week by tool and day',
    (db) => spendReport(db, { ...week, scope: '*', by: 'tool', and: 'day' }),
  ],
  [
    'calls that ended on a day',
    (db) => listCalls(db, { limit, endedFrom: middle, endedTo: middle + DAY }),
  ],
  [
    'calls of a tool that ended on a day',
    (db) => listCalls(db, { limit, tool: 'tool-3', endedFrom: middle, endedTo: middle + DAY }),
  ],
  [
    'calls of an account that ended on a day',
    (db) => listCalls(db, { limit, account: AGENT, endedFrom: middle, endedTo: middle + DAY }),
  ],
  [
    'payments that settled on a day',
    (db) =>
      listSettlements(db, { limit, state: 'settled', endedFrom: middle, endedTo: middle + DAY }),
  ],
  ...(['failed', 'released'] as const).flatMap((state): Query[] => {
    const ended = { limit, state, endedFrom: middle, endedTo: middle + DAY };
    return [
      [`payments ${state} on a day`, (db) => listSettlements(db, ended)],
      [
        `payments of an account ${state} on a day`,
        (db) => listSettlements(db, { ...ended, account: AGENT }),
      ],
    ];
  }),
  ['charge changes', (db) => listChargeChanges(db, { limit })],
  ['charge changes of an account', (db) => listChargeChanges(db, { limit, account: AGENT })],
  ['dead letters', (db) => listDeadLetters(db, { limit })],
  ['one dead letter', (db) => findDeadLetter(db, 'letter-7')],
  ['a dead letter sent again', (db) => markRedriven(db, 'letter-7', START)],
  ['depths', (db) => queueDepths(db)],
];
