import { describe, expect, test, vi } from 'vitest';
import {
  openPresenter,
  PAYMENT_CHARACTERS,
} from '../../../../durable-objects/account/log/present-payments.ts';
import { KIND_VARIABLES } from '../../../../src/config/backend-settings.ts';
import type { Address } from '../../../../src/core/hex.ts';
import type { Network } from '../../../../src/protocol/account-id.ts';
import type { SettlementBody, SettlementMessage } from '../../../../src/protocol/payment.ts';
import type { Relay, Relayed } from '../../../../src/protocol/relayer-contract.ts';
import { onlyOf } from '../../../unit/config/config-fixture.ts';
import { messageFor, paymentNumber } from '../../../unit/settlement/scripted.ts';

const KEYS = [`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(20)}`] as const;
const RELAYERS = (setting: object = {}): string =>
  JSON.stringify({ 'eip155:84532': { addresses: KEYS.slice(0, 1), ...setting } });
const FACILITATORS = (networks?: readonly string[]): string =>
  JSON.stringify([{ url: 'https://facilitator.test', ...(networks && { networks }) }]);

type Relaying = (relays: readonly Relay[], urgent: boolean) => Promise<readonly Relayed[]>;

const takeAll: Relaying = async (relays) =>
  relays.map(({ call }) => ({ call, verdict: 'taken' as const }));

/** A presenter with a fake queue and fake relayers. */
const open = (variables: Readonly<Record<string, string>> = {}, relay: Relaying = takeAll) => {
  const sent: SettlementBody[][] = [];
  const relayed: { key: string; relays: readonly Relay[]; urgent: boolean }[] = [];
  let now = 0;
  const presenter = openPresenter(
    {
      AUDIENCES: 'https://gateway.test',
      LOCAL_STACK: '',
      RELAYERS: RELAYERS(),
      FACILITATORS: '[]',
      ...variables,
      SETTLEMENT_QUEUE: {
        sendBatch: async (messages: readonly { body: SettlementBody }[]) =>
          void sent.push(messages.map(({ body }) => body)),
      },
      RELAYER: {
        getByName: (key: string) => ({
          relay: async (relays: readonly Relay[], urgent: boolean) => {
            relayed.push({ key, relays, urgent });
            return relay(relays, urgent);
          },
        }),
      },
    } as unknown as Parameters<typeof openPresenter>[0],
    () => now,
  );
  const pass = (milliseconds: number): void => {
    now += milliseconds;
  };
  return { presenter, sent, relayed, pass, queued: () => sent.flat().flat() };
};

const messages = (count: number) =>
  Array.from({ length: count }, (_, at) => messageFor(paymentNumber(at + 1)));

describe('payments that are presented for the first time', () => {
  test('go straight to the relayer where it is the first backend, in one call', async () => {
    const { presenter, relayed, sent } = open({ FACILITATORS: FACILITATORS() });
    await presenter.present(messages(3));
    expect(sent).toEqual([]);
    expect(relayed).toEqual([
      {
        key: `eip155:84532:${KEYS[0]}`,
        urgent: false,
        relays: [1, 2, 3].map((number) => ({
          account: messageFor(paymentNumber(number)).account,
          call: paymentNumber(number).authorization.nonce,
          payment: paymentNumber(number),
          sinceBlock: 100,
        })),
      },
    ]);
  });

  test('go to the object of the key that has their payer', async () => {
    const { presenter, relayed } = open({ RELAYERS: RELAYERS({ addresses: KEYS }) });
    await presenter.present(messages(40));
    expect(relayed.map(({ key }) => key).toSorted()).toEqual(
      KEYS.map((key) => `eip155:84532:${key}`),
    );
    expect(relayed.flatMap(({ relays }) => relays)).toHaveLength(40);
  });

  test('go to the key that a permit names, with their charge, or else to the queue', async () => {
    const [, second] = KEYS;
    const permitOf = (facilitator: Address): SettlementMessage => ({
      ...messageFor(paymentNumber(1)),
      ...{ permit: { facilitator }, charge: '7' },
    });
    const foreign = permitOf(`0x${'fa'.repeat(20)}`);
    const { presenter, relayed, queued } = open({
      RELAYERS: RELAYERS({ addresses: KEYS, first: false }),
      FACILITATORS: FACILITATORS(),
    });
    await presenter.present([permitOf(second), foreign]);
    expect(relayed).toMatchObject([
      {
        key: `eip155:84532:${second}`,
        relays: [{ payment: { permit: { facilitator: second }, charge: 7n } }],
      },
    ]);
    expect(queued()).toEqual([foreign]);
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    [
      'a facilitator comes first',
      { RELAYERS: RELAYERS({ first: false }), FACILITATORS: FACILITATORS(['eip155:84532']) },
    ],
    ...KIND_VARIABLES.filter((kind) => kind !== 'RELAYERS').map(
      (kind): [string, Readonly<Record<string, string>>] => [
        `${kind} may serve the network before the relayer`,
        { ...onlyOf(kind), RELAYERS: RELAYERS({ first: false }) },
      ],
    ),
    ['the network has no relayer', { RELAYERS: '' }],
    ['the settings cannot be read', { RELAYERS: '{' }],
  ])('go to the queue if %s', async (_, variables) => {
    const { presenter, relayed, queued } = open(variables);
    await presenter.present(messages(2));
    expect(relayed).toEqual([]);
    expect(queued()).toEqual(messages(2));
  });

  test('go straight to a relayer that is not first, if no facilitator serves the network', async () => {
    const { presenter, relayed } = open({
      RELAYERS: RELAYERS({ first: false }),
      FACILITATORS: FACILITATORS(['eip155:8453']),
    });
    await presenter.present(messages(1));
    expect(relayed).toHaveLength(1);
  });

  test('go to the queue if the relayer does not take them', async () => {
    const { presenter, queued } = open({}, async (relays) =>
      relays.map(({ call }, at) => ({ call, verdict: at === 1 ? 'full' : 'taken' })),
    );
    await presenter.present(messages(3));
    expect(queued()).toEqual(messages(3).slice(1, 2));
  });

  test('go to the queue if the relayer throws or answers for other calls, and for 15 seconds after it threw', async () => {
    let fails = true;
    const { presenter, queued, relayed, pass } = open({}, async (relays) => {
      if (fails) throw new Error('object reset');
      return takeAll(relays, false);
    });
    await presenter.present(messages(1));
    await presenter.present(messages(1));
    expect(queued()).toHaveLength(2);
    expect(relayed).toHaveLength(1);
    fails = false;
    pass(15_000);
    await presenter.present(messages(1));
    expect(queued()).toHaveLength(2);
    const other = open({}, async () => [{ call: `0x${'00'.repeat(32)}`, verdict: 'taken' }]);
    await other.presenter.present(messages(1));
    expect(other.queued()).toHaveLength(1);
  });

  test('go to the queue if the relayer does not answer within five seconds', async () => {
    vi.useFakeTimers();
    const { presenter, queued } = open({}, async () => new Promise(() => {}));
    const presenting = presenter.present(messages(2));
    await vi.advanceTimersByTimeAsync(5_000);
    await presenting;
    expect(queued()).toEqual(messages(2));
    vi.useRealTimers();
  });

  test('are only observed through the queue if nothing is owed', async () => {
    const { signature: _, ...look } = messageFor(paymentNumber(1), { kind: 'look' });
    const { presenter, relayed, queued } = open();
    await presenter.present([look]);
    expect(relayed).toEqual([]);
    expect(queued()).toEqual([look]);
  });
});

describe('the messages of the queue', () => {
  test('hold fifty payments each, and one alone is not in an array', async () => {
    const { presenter, sent } = open();
    await presenter.enqueue(messages(101));
    expect(sent).toEqual([[messages(50), messages(100).slice(50), messages(101)[100]]]);
  });

  test('stay below 64 KB each, and below 256 KB together', async () => {
    const { presenter, sent, queued } = open();
    const large = messages(40).map((one) => ({
      ...one,
      signature: `0x${'11'.repeat(4_096)}` as const,
    }));
    await presenter.enqueue(large);
    expect(queued()).toHaveLength(40);
    const bytes = sent.map((batch) => batch.map((body) => JSON.stringify(body).length));
    expect(Math.max(...bytes.flat())).toBeLessThan(64_000);
    expect(
      Math.max(...bytes.map((batch) => batch.reduce((sum, one) => sum + one, 0))),
    ).toBeLessThan(256_000);
  });

  test('are none without payments', async () => {
    const { presenter, sent } = open();
    await presenter.enqueue([]);
    await presenter.present([]);
    expect(sent).toEqual([]);
  });
});

test('no payment in a message is larger than the size that it counts with', () => {
  const most = (2n ** 256n - 1n).toString();
  const seconds = Number.MAX_SAFE_INTEGER;
  const [payment] = messages(1);
  if (payment === undefined) throw new Error('no message');
  const chain = `eip155:${seconds}`;
  const largest: SettlementMessage = {
    ...payment,
    account: `${chain}:${payment.authorization.from}`,
    token: { ...payment.token, network: chain as Network, name: 'USD Coin', version: '2' },
    authorization: { ...payment.authorization, value: most, validAfter: most, validBefore: most },
    signature: '0x',
    ...{
      maxTimeoutSeconds: seconds,
      sinceBlock: seconds,
      acceptedAt: seconds,
      deliveries: seconds,
    },
  };
  expect(JSON.stringify(largest).length).toBeLessThanOrEqual(PAYMENT_CHARACTERS);
});
