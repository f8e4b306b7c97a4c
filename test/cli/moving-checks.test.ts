import { describe, expect, test } from 'vitest';
import { dropChecks, liveChecks } from '../../src/cli/doctor/moving-checks.ts';
import type { AnswerOf } from '../../src/management/routes.ts';

type Moving = AnswerOf<'moving'>;

const NOW = 1_800_000_000;
const SEPOLIA = 'eip155:84532';
const BASE = 'eip155:8453';
const OLD = `0x${'01'.repeat(20)}` as const;
const NEW = `0x${'02'.repeat(20)}` as const;
const AUDIENCE = 'https://gw.example';
const FORMER = 'https://former.example';

const nothing = { calls: 0, open_payments: 0, open_amount: '0' };
const open = { calls: 3, open_payments: 2, open_amount: '40000', until: NOW + 600 };
const running = { calls: 1, open_payments: 0, open_amount: '0', until: NOW + 600 };

const counts = ({ open_amount: _, ...rest }: typeof nothing) => rest;

const moving = (changes: Partial<Moving> = {}): Moving => ({
  gateway_account: `${SEPOLIA}:${OLD}`,
  payees: [
    { network: SEPOLIA, payee: NEW, state: 'offered', ...nothing },
    { network: SEPOLIA, payee: OLD, state: 'former', ...nothing },
  ],
  audiences: [{ audience: AUDIENCE, state: 'offered', ...counts(open) }],
  credits: [],
  as_of: NOW - 20,
  ...changes,
});
const former = (promise: typeof nothing): Moving['payees'] => [
  { network: SEPOLIA, payee: NEW, state: 'offered', ...nothing },
  { network: SEPOLIA, payee: OLD, state: 'former', ...promise },
];

describe('a former payee', () => {
  test('may go when nothing is open, and the figures are current', () => {
    expect(liveChecks(moving(), NOW)).toEqual([
      {
        name: 'former payee',
        status: 'ok',
        says: `${OLD} on base-sepolia: nothing is open; it may go from FORMER_PAY_TO`,
      },
    ]);
    const { as_of: _, ...undated } = moving();
    for (const old of [moving({ as_of: NOW - 900 }), undated]) {
      expect(liveChecks(old, NOW)).toMatchObject([{ status: 'warn' }]);
    }
  });

  test.each([
    [open, '2 open payments of $0.04, 3 calls, until 2027-01-15 08:10 UTC'],
    [running, 'no open payment, 1 call, until 2027-01-15 08:10 UTC'],
  ])('says how much is open, and until when', (promise, says) => {
    expect(liveChecks(moving({ payees: former(promise) }), NOW)).toEqual([
      {
        ...{ name: 'former payee', status: 'warn' },
        says: `${OLD} on base-sepolia: ${says}`,
        hint: 'Keep it in FORMER_PAY_TO until then.',
      },
    ]);
  });

  test('whose payments are past their end points to what they wait for', () => {
    const [check] = liveChecks(
      moving({ payees: former({ ...open, until: NOW - 1 } as never) }),
      NOW,
    );
    expect(check?.hint).toContain('settlements list --state open');
  });

  test('that was dropped with open payments fails', () => {
    const dropped = (promise: typeof nothing): Moving =>
      moving({ payees: [{ network: SEPOLIA, payee: OLD, state: 'unconfigured', ...promise }] });
    expect(liveChecks(dropped(open), NOW)).toMatchObject([
      { status: 'fail', says: expect.stringContaining('2 open payments of $0.04') as string },
    ]);
    expect(liveChecks(dropped(running), NOW)).toMatchObject([{ status: 'warn' }]);
  });
});

describe('an audience', () => {
  test('after the first says whether it is in use', () => {
    const audiences = (promise: typeof nothing): Moving['audiences'] => [
      { audience: AUDIENCE, state: 'offered', ...counts(open) },
      { audience: FORMER, state: 'offered', ...counts(promise) },
    ];
    const saying = (promise: typeof nothing) =>
      liveChecks(moving({ payees: [], audiences: audiences(promise) }), NOW);
    expect(saying(open)).toMatchObject([
      {
        status: 'ok',
        says: expect.stringContaining(`${FORMER} is in use: 2 open payments, 3 calls`) as string,
      },
    ]);
    expect(saying(nothing)).toMatchObject([
      { status: 'ok', says: expect.stringContaining('it may go if no grant names it') as string },
    ]);
  });

  test('that was dropped with calls is a warning', () => {
    const audiences = [{ audience: FORMER, state: 'unconfigured' as const, ...counts(running) }];
    expect(
      liveChecks(moving({ payees: [], audiences: [...moving().audiences, ...audiences] }), NOW),
    ).toMatchObject([{ name: 'audience', status: 'warn' }]);
  });
});

test('credit is reported on a network that sells nothing, and on no other', () => {
  const credits = [SEPOLIA, BASE].map((network) => ({
    asset: `${network}/erc20:${NEW}` as const,
    amount: '1500000',
  })) as unknown as Moving['credits'];
  expect(liveChecks(moving({ payees: former(nothing).slice(0, 1), credits }), NOW)).toMatchObject([
    {
      ...{ name: 'credit', status: 'warn' },
      says: '$1.50 are owed to accounts on base, which sells nothing',
    },
  ]);
});

describe('the settings of the directory', () => {
  const settings = (changes: object = {}) => ({
    audiences: [AUDIENCE] as const,
    gateway: `${SEPOLIA}:${OLD}` as const,
    networks: [SEPOLIA] as const,
    payTo: new Map([[SEPOLIA, NEW]] as const),
    payees: new Map([[SEPOLIA, [NEW, OLD]]] as const),
    ...changes,
  });

  test('that keep every value in use are no news', () => {
    expect(dropChecks(moving({ payees: former(open) }), settings())).toEqual([]);
  });

  test('may drop a former payee only when nothing is open', () => {
    const without = settings({ payees: new Map([[SEPOLIA, [NEW]]]) });
    expect(dropChecks(moving(), without)).toEqual([]);
    expect(dropChecks(moving({ payees: former(running) }), without)).toMatchObject([
      { status: 'fail', hint: `Add it to FORMER_PAY_TO at "${SEPOLIA}".` },
    ]);
  });

  test('may never drop the payee that is offered, which an agent may be about to pay', () => {
    const changed = settings({
      payTo: new Map([[SEPOLIA, OLD]]),
      payees: new Map([[SEPOLIA, [OLD]]]),
    });
    expect(dropChecks(moving(), changed)).toMatchObject([
      { status: 'fail', says: expect.stringContaining(`drop ${NEW} on base-sepolia`) as string },
    ]);
  });

  test('may not take tools and webhooks away by another gateway account', () => {
    expect(dropChecks(moving(), settings({ gateway: undefined }))).toMatchObject([
      { status: 'fail', hint: `Set GATEWAY_ACCOUNT = "${SEPOLIA}:${OLD}".` },
    ]);
  });

  test('may drop an audience only when no call came through it lately', () => {
    const audiences = (promise: typeof nothing): Moving['audiences'] => [
      ...moving().audiences,
      { audience: FORMER, state: 'offered', ...promise },
    ];
    expect(dropChecks(moving({ audiences: audiences(nothing) }), settings())).toEqual([]);
    expect(dropChecks(moving({ audiences: audiences(running) }), settings())).toMatchObject([
      { status: 'fail', says: expect.stringContaining(`drop ${FORMER}`) as string },
    ]);
  });

  test('of another gateway are not compared', () => {
    const other = settings({ audiences: ['https://other.example'], gateway: `${BASE}:${NEW}` });
    expect(dropChecks(moving({ payees: former(open) }), other)).toEqual([]);
  });
});
