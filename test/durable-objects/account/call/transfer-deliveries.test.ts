import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AccountCommand } from '../../../../src/protocol/account/command.ts';
import { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { TRANSFER } from '../../../../durable-objects/account/commands/transfer.ts';
import {
  accountOf,
  asset,
  entriesOf,
  onDisk,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  topUp,
} from '../../support.ts';

/** An outbox sends once a second, and a slow machine takes longer. */
const PATIENCE = { timeout: 30_000 };

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

const to = (receiver: Hex) => ({ topUp: { to: accountOf(receiver) } });

/** Makes `count` deliveries fail, before they reach the receiver or after it has committed them. */
const loseDeliveries = (count: number, where: 'before' | 'after') => {
  const { apply } = AgentAccount.prototype;
  let left = count;
  return vi.spyOn(AgentAccount.prototype, 'apply').mockImplementation(async function (
    this: AgentAccount,
    command: AccountCommand,
  ) {
    if (left <= 0) return apply.call(this, command);
    left -= 1;
    if (where === 'after') await apply.call(this, command);
    return { verdict: 'unavailable' };
  });
};

/** Runs the payer's alarm after each pause until it has no total left to send. */
const ringUntilQuiet = async (payer: Hex): Promise<void> => {
  for (let round = 0; round < 8; round += 1) {
    if ((await snapshotOf(payer)).sending === 0) return;
    at(nowSeconds() + 301);
    await runDurableObjectAlarm(stubOf(payer));
  }
  throw new Error('still sending');
};

const creditOf = async (payer: Hex): Promise<string> => (await purseOf(payer)).credit;

const transfersOf = (payer: Hex) =>
  onDisk(payer, (disk) =>
    [...disk.find(TRANSFER)].map(({ sent, acknowledged, received }) => ({
      ...{ sent, acknowledged, received },
    })),
  );

describe('a top-up for another account arrives exactly once', () => {
  for (const where of ['before', 'after'] as const) {
    test(`when the first two deliveries fail ${where} they were committed`, async () => {
      const [payer, receiver] = [randomHex(20), randomHex(20)];
      vi.spyOn(console, 'error').mockImplementation(() => {});
      const apply = loseDeliveries(2, where);
      await topUp(payer, 5_000n, to(receiver));
      await vi.waitFor(async () => {
        expect(apply).toHaveBeenCalledTimes(1);
        expect((await snapshotOf(payer)).sending).toBe(1);
      }, PATIENCE);
      await ringUntilQuiet(payer);
      expect(apply).toHaveBeenCalledTimes(3);
      expect(await creditOf(receiver)).toBe('5000');
      expect((await entriesOf(receiver)).length).toBe(1);
      // The receiver has acknowledged, so the payer sends nothing again.
      at(nowSeconds() + 301);
      await runDurableObjectAlarm(stubOf(payer));
      expect(apply).toHaveBeenCalledTimes(3);
    });

    test(`when payer or receiver is evicted or aborted after a delivery failed ${where} it was committed`, async () => {
      const [payer, receiver] = [randomHex(20), randomHex(20)];
      vi.spyOn(console, 'error').mockImplementation(() => {});
      const apply = loseDeliveries(3, where);
      await topUp(payer, 5_000n, to(receiver));
      await vi.waitFor(() => {
        expect(apply).toHaveBeenCalledTimes(1);
      }, PATIENCE);
      await evictDurableObject(stubOf(payer));
      // The pending total is stored, so the payer sends it again.
      expect((await snapshotOf(payer)).sending).toBe(1);
      at(nowSeconds() + 16);
      expect(await runDurableObjectAlarm(stubOf(payer))).toBe(true);
      expect(apply).toHaveBeenCalledTimes(2);
      await evictDurableObject(stubOf(receiver));
      at(nowSeconds() + 31);
      expect(await runDurableObjectAlarm(stubOf(payer))).toBe(true);
      expect(apply).toHaveBeenCalledTimes(3);
      await abortAllDurableObjects();
      await ringUntilQuiet(payer);
      expect(await creditOf(receiver)).toBe('5000');
      expect((await entriesOf(receiver)).length).toBe(1);
    });
  }

  test('when the receiver was unreachable, without a delay for other receivers', async () => {
    const [payer, broken, receiver] = [randomHex(20), randomHex(20), randomHex(20)];
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { apply } = AgentAccount.prototype;
    const deliveries = vi
      .spyOn(AgentAccount.prototype, 'apply')
      .mockImplementationOnce(async () => {
        throw new Error('cannot be reached');
      })
      .mockImplementation(async function (this: AgentAccount, command: AccountCommand) {
        return apply.call(this, command);
      });
    await topUp(payer, 3_000n, to(broken));
    await vi.waitFor(() => {
      expect(deliveries).toHaveBeenCalledTimes(1);
    }, PATIENCE);
    expect((await snapshotOf(payer)).sending).toBe(1);
    await topUp(payer, 4_000n, to(receiver));
    await vi.waitFor(async () => {
      expect(await creditOf(receiver)).toBe('4000');
    }, PATIENCE);
    await ringUntilQuiet(payer);
    expect(await creditOf(broken)).toBe('3000');
  });

  test('when totals arrive late, repeated or out of order: the highest counts', async () => {
    const [payer, receiver] = [randomHex(20), randomHex(20)];
    const credit = (total: bigint, from = payer): AccountCommand => ({
      kind: 'credit',
      from: accountOf(from),
      asset,
      total,
    });
    expect(await stubOf(receiver).apply(credit(300n))).toMatchObject({
      ...{ verdict: 'applied', changed: true, credit: 300n },
    });
    for (const total of [100n, 300n, 200n, 0n, -5n]) {
      expect(await stubOf(receiver).apply(credit(total))).toMatchObject({
        ...{ verdict: 'applied', changed: false, credit: 300n },
      });
    }
    await evictDurableObject(stubOf(receiver));
    const answers = await Promise.all(
      [700n, 300n, 500n, 700n].map((total) => stubOf(receiver).apply(credit(total))),
    );
    expect(answers.filter((each) => each.verdict === 'applied' && each.changed)).toHaveLength(1);
    expect(await creditOf(receiver)).toBe('700');
    // The account keeps a total for each payer.
    const other = credit(50n, randomHex(20));
    expect(await stubOf(receiver).apply(other)).toMatchObject({
      verdict: 'applied',
      changed: true,
      credit: 750n,
    });
  });

  test('when the receiver acknowledges an older total: the payer still sends the newer one', async () => {
    const [payer, receiver] = [randomHex(20), randomHex(20)];
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { apply } = AgentAccount.prototype;
    let release = (): void => {};
    const first = new Promise<void>((resolve) => {
      release = resolve;
    });
    const deliveries = vi
      .spyOn(AgentAccount.prototype, 'apply')
      // The receiver commits the first total but answers late.
      .mockImplementationOnce(async function (this: AgentAccount, command: AccountCommand) {
        const answer = await apply.call(this, command);
        await first;
        return answer;
      })
      .mockImplementationOnce(async () => ({ verdict: 'unavailable' }))
      .mockImplementationOnce(async () => ({ verdict: 'unavailable' }))
      .mockImplementation(async function (this: AgentAccount, command: AccountCommand) {
        return apply.call(this, command);
      });
    await topUp(payer, 1_000n, to(receiver));
    await vi.waitFor(() => {
      expect(deliveries).toHaveBeenCalledTimes(1);
    }, PATIENCE);
    await topUp(payer, 2_000n, to(receiver));
    await vi.waitFor(() => {
      expect(deliveries).toHaveBeenCalledTimes(2);
    }, PATIENCE);
    release();
    await vi.waitFor(async () => {
      const [row] = await transfersOf(payer);
      expect(row?.acknowledged).toBe(1_000n);
    }, PATIENCE);
    expect((await snapshotOf(payer)).sending).toBe(1);
    await ringUntilQuiet(payer);
    expect(await creditOf(receiver)).toBe('3000');
    expect(await transfersOf(payer)).toEqual([
      { sent: 3_000n, acknowledged: 3_000n, received: 0n },
    ]);
  });

  test('when an older acknowledgement arrives late', async () => {
    const [payer, receiver] = [randomHex(20), randomHex(20)];
    const { apply } = AgentAccount.prototype;
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const answered = vi.fn<() => void>();
    const deliveries = vi
      .spyOn(AgentAccount.prototype, 'apply')
      .mockImplementationOnce(async function (this: AgentAccount, command: AccountCommand) {
        const answer = await apply.call(this, command);
        await slow;
        answered();
        return answer;
      })
      .mockImplementation(async function (this: AgentAccount, command: AccountCommand) {
        return apply.call(this, command);
      });
    await topUp(payer, 1_000n, to(receiver));
    await topUp(payer, 2_000n, to(receiver));
    const acknowledged = [{ sent: 3_000n, acknowledged: 3_000n, received: 0n }];
    await vi.waitFor(async () => {
      expect(await transfersOf(payer)).toEqual(acknowledged);
    }, PATIENCE);
    release();
    await vi.waitFor(() => {
      expect(answered).toHaveBeenCalled();
    }, PATIENCE);
    // Sends one request to each account, so that it has processed the late answer.
    for (let round = 0; round < 5; round += 1) {
      expect((await snapshotOf(payer)).sending).toBe(0);
    }
    expect(await transfersOf(payer)).toEqual(acknowledged);
    // If the late answer had reverted the newer one, the payer would have sent a third time.
    expect(deliveries).toHaveBeenCalledTimes(2);
  });
});
