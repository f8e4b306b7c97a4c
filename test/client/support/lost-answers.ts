import { beforeAll, describe, expect, it } from 'vitest';
import type { AgentOptions } from '../../../src/client/index.ts';
import { usdcBalance } from '../../../dev/stack/chain-access.ts';
import { transfersFrom } from '../../conformance/support/payment.ts';
import type { World } from '../../conformance/support/world.ts';
import { claimsOf, newCustomer, post } from './customer.ts';
import type { LosingProxy } from './losing-proxy.ts';

/** Tests calls whose answers the proxy drops after the gateway has finished them. */
export const describeLostAnswers = (world: () => World, losing: () => LosingProxy): void => {
  let proxy: LosingProxy;
  beforeAll(() => {
    proxy = losing();
  });
  const gateway = (): string => world().stack.gateway.url;
  /** Creates a customer whose calls pass through the proxy and are signed for the gateway's audience. */
  const throughProxy = async (amount: bigint, options: Partial<AgentOptions> = {}) =>
    await newCustomer(world(), amount, { audiences: { [proxy.url]: gateway() }, ...options });

  describe('a lost answer', () => {
    it.each([
      ['deferred', '/tools/lookup?word=tree', undefined, 'lookup'],
      ['upfront', '/tools/report', { text: 'Lost and found.' }, 'report'],
      ['free', '/tools/whoami', undefined, 'whoami'],
    ] as const)(
      '(%s) is requested again with the same signature: one run, the same bytes',
      async (_, path, body, tool) => {
        const { agent, ledger, address } = await throughProxy(200_000n);
        const before = (await world().counts())[tool];
        const from = proxy.passed.length;
        proxy.lose(2);
        const answer = await agent.fetch(proxy.url + path, body === undefined ? {} : post(body));
        expect([answer.status, answer.countersign.attempts]).toEqual([200, 3]);
        const proofs = proxy.passed.slice(from).flatMap(({ proof }) => proof ?? []);
        expect([proofs.length, new Set(proofs).size]).toEqual([3, 1]);
        expect(ledger.signatures).toHaveLength(1);
        expect((await world().counts())[tool]).toBe(before + 1);
        // The receipt commits to the digest of the first answer.
        expect(claimsOf(answer)?.response).toMatch(/^0x/);
        expect(await transfersFrom(world(), address)).toHaveLength(tool === 'whoami' ? 0 : 1);
      },
    );

    it('to a call from credit is charged once', async () => {
      const { agent } = await throughProxy(200_000n);
      await agent.topUp(proxy.url, 50_000n);
      proxy.lose(1);
      const answer = await agent.fetch(`${proxy.url}/tools/lookup?word=leaf`);
      expect(answer.countersign).toMatchObject({ paid: 'credit', charged: 1000n, attempts: 2 });
      const next = await agent.fetch(`${proxy.url}/tools/lookup?word=leaf`);
      expect(next.countersign.limits).toContainEqual(
        expect.objectContaining({ rule: 'credit', remaining: 48_000n }),
      );
    });

    it('to a top-up is credited once', async () => {
      const { agent, address } = await throughProxy(200_000n);
      proxy.lose(1);
      const topped = await agent.topUp(proxy.url, 7000n);
      expect([topped.status, topped.countersign.attempts]).toEqual([200, 2]);
      expect(await usdcBalance(world().client, address)).toBe(193_000n);
      const next = await agent.fetch(`${proxy.url}/tools/lookup?word=leaf`);
      expect(next.countersign.limits).toContainEqual(
        expect.objectContaining({ rule: 'credit', remaining: 6000n }),
      );
    });

    it('that stays lost can be looked up by the payer only', async () => {
      const { agent } = await throughProxy(200_000n, { retries: 1 });
      const from = proxy.passed.length;
      proxy.lose(2);
      const error = (await agent.fetch(`${proxy.url}/tools/lookup?word=root`).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )) as { code: string; call: `0x${string}`; hint: string };
      expect(error).toMatchObject({ code: 'answer_lost' });
      expect(error.hint).toContain('look');
      expect(proxy.passed.length - from).toBe(3);

      const record = await agent.look(gateway(), error.call);
      expect(record).toMatchObject({
        call: error.call,
        tool: 'lookup',
        binding: 'intent',
        price: 1000n,
        charged: 1000n,
        paidFrom: 'payment',
      });
      expect(new TextDecoder().decode(record.answer?.body)).toContain('"root"');
      const stranger = await newCustomer(world(), 1000n);
      await expect(stranger.agent.look(gateway(), error.call)).rejects.toMatchObject({
        code: 'unknown_call',
      });
      await expect(agent.look(gateway(), `0x${'00'.repeat(32)}`)).rejects.toMatchObject({
        code: 'unknown_call',
      });
    });
  });
};
