import { loadCall } from '../call/stored-call.ts';
import { keepLive } from '../call/open-calls.ts';
import { settlementMessage } from '../call/settlement-message.ts';
import type { Memory } from '../memory.ts';
import type { Disk } from '../../store/disk.ts';
import { sent } from '../../store/outbox.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { inTime } from '../../../src/core/in-time.ts';
import {
  isServedWithoutRelayer,
  type KindVariable,
  readKinds,
} from '../../../src/config/backend-settings.ts';
import { type AccountId, accountId } from '../../../src/protocol/account-id.ts';
import type { SettlementBody, SettlementMessage } from '../../../src/protocol/payment.ts';
import type { Relay } from '../../../src/protocol/relayer-contract.ts';
import { readReach } from '../../../src/config/settings.ts';
import { keyOfPayer } from '../../../src/settlement/relayer/key-of-payer.ts';
import { objectOf } from '../../../src/protocol/jurisdiction.ts';

/** Presents an account's payments, or has them observed. */
export type Presenter = {
  /**
   * Presents payments for the first time: to the relayer's object where that is their first backend, and else through the queue. May lose
   * some: the account sends each payment again until it has committed the payment's end.
   *
   * @throws if some could not be handed over.
   */
  readonly present: (messages: readonly SettlementMessage[]) => Promise<void>;
  /** Sends what is due of an account's payments: new ones to a backend, others to the queue. @throws if some were not sent. */
  readonly sendDue: (memory: Memory, disk: Disk, now: Seconds) => Promise<void>;
  /** Sends payments to the queue, whose consumer observes the chain before it presents. @throws if some were not sent. */
  readonly enqueue: (messages: readonly SettlementMessage[]) => Promise<void>;
};

type Bindings = Pick<
  Env,
  'SETTLEMENT_QUEUE' | 'RELAYER' | 'LOCAL_STACK' | 'AUDIENCES' | 'JURISDICTION' | KindVariable
>;

/** Payments of one call to a relayer, and of one message of the queue. */
const RELAYS = 500;
const PAYMENTS = 50;
/** Characters of a message: a queue bills each 64 KB. Four of them are within the 256 KB of one `sendBatch`. */
const MESSAGE_CHARACTERS = 60_000;
const MESSAGES = 4;
/** Characters of a `SettlementMessage` as JSON, without its signature, at most. */
export const PAYMENT_CHARACTERS = 1_050;

/** How long the account waits for a relayer, and how long it sends everything to the queue after no answer, milliseconds. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 15_000;

export const openPresenter = (env: Bindings, now: () => number = Date.now): Presenter => {
  let keyOf: KeyOf | undefined;
  let pausedUntil = 0;

  const enqueue = async (messages: readonly SettlementMessage[]): Promise<void> => {
    const bodies = bodiesOf(messages);
    for (let at = 0; at < bodies.length; at += MESSAGES) {
      const batch = bodies.slice(at, at + MESSAGES);
      await env.SETTLEMENT_QUEUE.sendBatch(batch.map((body) => ({ body })));
    }
  };

  /** Hands payments to a relayer. @returns those that it did not take: another backend may. */
  const relay = async (
    key: AccountId,
    messages: readonly SettlementMessage[],
  ): Promise<readonly SettlementMessage[]> => {
    try {
      const relays = messages.map(relayOf);
      const relayed = await inTime(
        objectOf(env, env.RELAYER, key).relay(relays, false),
        PATIENCE_MS,
      );
      return messages.filter(({ call }, at) => {
        const one = relayed[at];
        return one?.call !== call || one.verdict !== 'taken';
      });
    } catch {
      // An unanswered call may have stored the payments. Presenting them twice is safe: a nonce works once.
      pausedUntil = now() + PAUSE_MS;
      return messages;
    }
  };

  const present = async (messages: readonly SettlementMessage[]): Promise<void> => {
    if (messages.length === 0) return;
    keyOf ??= openKeys(env);
    const byKey = Map.groupBy(messages, now() < pausedUntil ? () => undefined : keyOf);
    const left = await Promise.all(
      [...byKey].map(async ([key, own]) => {
        if (key === undefined) return own;
        const relayed = chunksOf(own, RELAYS).map(async (some) => relay(key, some));
        return (await Promise.all(relayed)).flat();
      }),
    );
    await enqueue(left.flat());
  };

  return {
    enqueue,
    present,
    sendDue: async (memory, disk, now) => {
      const { fresh, others } = takeDue(memory, disk, now);
      await Promise.all([present(fresh), enqueue(others)]);
    },
  };
};

/** Takes the payments that are due. Each counts as sent. */
const takeDue = (
  memory: Memory,
  disk: Disk,
  now: Seconds,
): Record<'fresh' | 'others', readonly SettlementMessage[]> => {
  const fresh: SettlementMessage[] = [];
  const others: SettlementMessage[] = [];
  for (const id of memory.looks.take(now)) {
    const record = loadCall(disk, id);
    const message = record && settlementMessage(memory.state.account, record);
    if (message === undefined) memory.looks.remove(id);
    else others.push(message);
  }
  for (const id of memory.sends.take(now)) {
    const live = memory.live.get(id);
    const message = live && settlementMessage(memory.state.account, live.record);
    // Only a new version of the record can give it a message.
    if (live === undefined || message === undefined) continue;
    // A payment that is sent again may have settled, which only the queue's consumer observes.
    (live.sends === 0 ? fresh : others).push(message);
    keepLive(memory, sent(live, now));
  }
  return { fresh, others };
};

/** The object of the relayer key that gets a payment first; undefined: the queue does. */
type KeyOf = (message: SettlementMessage) => AccountId | undefined;

/**
 * Reads which networks have a relayer as their first backend: `first`, or the only kind. Settings that cannot be read send everything to
 * the queue, whose consumer reports them.
 */
const openKeys = (env: Bindings): KeyOf => {
  const textOf = (name: 'LOCAL_STACK' | 'AUDIENCES' | KindVariable): string =>
    String(env[name] ?? '').trim();
  const reach = readReach(textOf('LOCAL_STACK'), textOf('AUDIENCES'));
  if (!reach.ok) return () => undefined;
  const kinds = readKinds((name, reader) => {
    const setting = reader(textOf(name));
    return setting.ok ? setting.value : undefined;
  }, reach.value);
  return ({ kind, signature, token: { network }, authorization, permit }) => {
    if (kind !== 'settle' || signature === undefined) return undefined;
    const setting = kinds.relayers?.get(network);
    if (setting === undefined) return undefined;
    if (permit !== undefined) {
      const { facilitator } = permit;
      return setting.addresses.includes(facilitator) ? accountId(network, facilitator) : undefined;
    }
    if (!setting.first && isServedWithoutRelayer(kinds, network)) return undefined;
    return accountId(network, keyOfPayer(authorization.from, setting.addresses));
  };
};

const relayOf = ({
  account,
  call,
  token,
  authorization,
  signature = '0x',
  maxTimeoutSeconds,
  permit,
  charge,
  sinceBlock,
}: SettlementMessage): Relay => ({
  account: account as AccountId,
  call,
  payment: {
    token,
    authorization: {
      ...authorization,
      value: BigInt(authorization.value),
      validAfter: BigInt(authorization.validAfter),
      validBefore: BigInt(authorization.validBefore),
    },
    signature,
    maxTimeoutSeconds,
    ...(permit === undefined ? {} : { permit }),
    ...(charge === undefined ? {} : { charge: BigInt(charge) }),
  },
  sinceBlock,
});

/** Packs payments into messages: one alone, or several. */
const bodiesOf = (messages: readonly SettlementMessage[]): readonly SettlementBody[] => {
  const packed: SettlementMessage[][] = [];
  let characters = 0;
  for (const message of messages) {
    const { signature = '', permit = '' } = message;
    const own = PAYMENT_CHARACTERS + signature.length + JSON.stringify(permit).length;
    const last = packed.at(-1);
    if (last !== undefined && last.length < PAYMENTS && characters + own <= MESSAGE_CHARACTERS) {
      last.push(message);
      characters += own;
    } else {
      packed.push([message]);
      characters = own;
    }
  }
  return packed.map((own) => (own.length === 1 ? (own[0] as SettlementMessage) : own));
};

const chunksOf = <T>(all: readonly T[], most: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / most) }, (_, at) =>
    all.slice(at * most, (at + 1) * most),
  );
