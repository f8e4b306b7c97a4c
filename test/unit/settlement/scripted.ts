import type { Address, Hex } from '../../../src/core/hex.ts';
import type { Facilitator } from '../../../src/settlement/backends/facilitator.ts';
import {
  type BackendDeps,
  type Backends,
  type BackendSettings,
  openBackends,
} from '../../../src/settlement/backends/registry.ts';
import type { Payment, SettlementMessage } from '../../../src/protocol/payment.ts';
import { amountWord } from '../../../src/settlement/chain/token-calls.ts';

export const NOW = 1_790_000_000;
export const RPC = 'https://node.test/';
export const FACILITATOR = 'https://facilitator.test';
export const PAY_TO: Address = `0x${'bb'.repeat(20)}`;
export const OTHER: Address = `0x${'cc'.repeat(20)}`;
export const TOKEN: Payment['token'] = {
  network: 'eip155:84532',
  address: `0x${'70'.repeat(20)}`,
  name: 'USDC',
  version: '2',
};

export const word = (value: number): Hex => amountWord(BigInt(value));
export const payerNumber = (value: number): Address => `0x${value.toString(16).padStart(40, '0')}`;

/** A payment of 1000 units that is valid for an hour. The number determines its nonce and payer. */
export const paymentNumber = (
  value: number,
  authorization: Partial<Payment['authorization']> = {},
): Payment => ({
  token: TOKEN,
  authorization: {
    from: payerNumber(value),
    to: PAY_TO,
    value: 1_000n,
    validAfter: 0n,
    validBefore: BigInt(NOW + 3_600),
    nonce: word(value),
    ...authorization,
  },
  signature: `0x${'11'.repeat(65)}`,
  maxTimeoutSeconds: 3_600,
});

/** The queue message of a payment. */
export const messageFor = (
  payment: Payment,
  changes: Partial<SettlementMessage> = {},
): SettlementMessage => {
  const { from, to, value, validAfter, validBefore, nonce } = payment.authorization;
  return {
    v: 1,
    kind: 'settle',
    account: `eip155:84532:${from}`,
    call: nonce,
    token: payment.token,
    authorization: {
      from,
      to,
      value: value.toString(),
      validAfter: validAfter.toString(),
      validBefore: validBefore.toString(),
      nonce,
    },
    signature: payment.signature,
    maxTimeoutSeconds: payment.maxTimeoutSeconds,
    sinceBlock: 100,
    acceptedAt: NOW,
    ...changes,
  };
};

/** A clock that advances only while code sleeps. */
export const standingClock = () => {
  let at = NOW * 1_000;
  return {
    now: () => at,
    sleep: async (milliseconds: number) => {
      at += milliseconds;
      await Promise.resolve();
    },
    /** Unix seconds. */
    set: (seconds: number) => {
      at = seconds * 1_000;
    },
  };
};

/** A clock for concurrent sleepers. It advances when no other work is open. */
export const runningClock = () => {
  let at = NOW * 1_000;
  let due: { readonly at: number; readonly wake: (value?: unknown) => void }[] = [];
  const goOn = (): void => {
    const [first, ...rest] = due.toSorted((one, other) => one.at - other.at);
    if (first === undefined) return;
    due = rest;
    at = first.at;
    first.wake();
    setTimeout(goOn, 0);
  };
  return {
    now: () => at,
    sleep: async (milliseconds: number) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      due.push({ at: at + milliseconds, wake: resolve });
      if (due.length === 1) setTimeout(goOn, 0);
      await promise;
    },
    set: (seconds: number) => {
      at = seconds * 1_000;
    },
  };
};

export const facilitatorAt = (url: string, changes: Partial<Facilitator> = {}): Facilitator => ({
  url,
  auth: 'none',
  concurrency: 4,
  fee: 0n,
  ...changes,
});

/** Backends for `TOKEN`'s network. */
export const backendsAt = (
  facilitators: readonly (string | Facilitator)[],
  deps: Partial<BackendDeps> = {},
  settings: Partial<BackendSettings> = {},
): Backends =>
  openBackends(
    {
      networks: [TOKEN.network],
      facilitators: facilitators.map((one) => (typeof one === 'string' ? facilitatorAt(one) : one)),
      relayers: new Map(),
      cdpKey: undefined,
      ...settings,
    },
    { relayer: () => ({ relay: async () => [] }), emit: () => undefined, ...deps },
  );
