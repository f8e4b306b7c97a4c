import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readCreditOffer } from '../../../../../src/dashboard/data/money/credit-offer.ts';
import { GATEWAY, PAY_TO } from '../../../client/server.ts';
import { creditOffer, FOR } from '../../payment/purchase-fixture.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A gateway that never answers. */
const hanging = async (_: unknown, init?: RequestInit): Promise<Response> =>
  new Promise((_resolve, reject) => {
    init?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
  });

describe('the offer of a gateway for credit', () => {
  it('is given up after half a minute, with words', async () => {
    vi.stubGlobal('fetch', hanging);
    const read = readCreditOffer(FOR, GATEWAY, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await read).toMatchObject({
      is: 'refused',
      fault: { text: 'The gateway did not answer.' },
    });
  });

  it('names the payee, and the cheapest call as the least amount', async () => {
    const tools = [{ amount: '1000', asset: 'eip155:84532/erc20:0x' }];
    vi.stubGlobal('fetch', async (input: unknown) =>
      Promise.resolve(input === '/' ? Response.json({ tools }) : creditOffer()),
    );
    const offer = await readCreditOffer(FOR, GATEWAY, new AbortController().signal);
    expect(offer).toMatchObject({ is: 'offered', payTo: PAY_TO, least: 1000n });
  });
});
