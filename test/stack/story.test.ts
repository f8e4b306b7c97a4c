import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getAddress, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newNarrator } from '../../dev/demo/narrator.ts';
import { play } from '../../dev/demo/story.ts';
import { openWallet, type Wallet } from '../../dev/demo/wallet.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { type AgentResponse, createAgent } from '../../src/client/index.ts';
import { accountId } from '../../src/protocol/account-id.ts';

type Offer = { readonly extensions: Readonly<Record<string, unknown>> };

const changeOffer = (headers: Headers, change: (offer: Offer) => Offer): void => {
  const offer = JSON.parse(atob(headers.get('payment-required') ?? '')) as Offer;
  headers.set('payment-required', btoa(JSON.stringify(change(offer))));
};

/** Hides that payments may be bound. */
const unbound = (offer: Offer): Offer => ({ ...offer, extensions: {} });

/** Hides that nothing but credit pays. */
const payable = ({ extensions, ...offer }: Offer): Offer => {
  const { 'agent-credit': _, ...others } = extensions;
  return { ...offer, extensions: others };
};

/** A way on which answers are changed. */
const lyingWay = (): typeof fetch => {
  let offers = 0;
  let lookups = 0;
  return async (input, init) => {
    const response = await fetch(input, init);
    const { pathname } = new URL(response.url);
    const headers = new Headers(response.headers);
    let { status } = response;
    let text = await response.text();
    if (status === 402) changeOffer(headers, (offers += 1) === 1 ? unbound : payable);
    // Another answer the second time.
    if (pathname === '/tools/lookup' && status === 200 && (lookups += 1) === 2) text += ' ';
    // A moved payment is taken.
    if (pathname === '/tools/echo/river') status = 200;
    if (pathname === '/tools/summarise') {
      text = text.replace('"words":29', '"words":30');
      headers.set('RateLimit', (headers.get('RateLimit') ?? '').replace('r=98420', 'r=98421'));
    }
    return new Response(text, { status, headers });
  };
};

/** A wallet with a client that has no caps worth the name, signs again for a lost answer, and forgets its credit. */
const poorWallet = (privateKey: Hex): Wallet => {
  const wallet = openWallet(privateKey, lyingWay());
  const agent = createAgent({
    account: privateKeyToAccount(privateKey),
    spend: { perCall: '$1000.00', total: '$1000.00' },
    fetch: wallet.wire.fetch,
    retries: 0,
  });
  let calls = 0;
  const doubt = (response: AgentResponse): AgentResponse => {
    const receipt = { verified: false, why: 'it is made up' } as const;
    const report = { ...response.countersign, receipt };
    return Object.assign(new Response(response.body, response), { countersign: report });
  };
  return {
    ...wallet,
    agent: {
      ...agent,
      topUp: wallet.careless.topUp,
      fetch: async (input, init) => {
        const response = await agent
          .fetch(input, init)
          .catch(async () => await agent.fetch(input, init));
        return (calls += 1) === 1 ? doubt(response) : response;
      },
    },
  };
};

describe('the story, where everything lies', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ persistTo: directory, file: join(directory, 'stack.json') });
  });
  afterAll(async () => {
    await stack?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('names what did not hold', async () => {
    const { description, chain, upstream } = stack;
    const told: string[] = [];
    const narrator = newNarrator({ write: (text: string) => told.push(text) > 0 });
    const wallet = poorWallet(description.agent.privateKey);
    let looks = 0;
    let echoes = 0;
    await play({
      // A payee and an audience that are not the gateway's.
      stack: {
        ...description,
        payTo: description.operator.address,
        audience: 'https://other.example',
      },
      directory,
      // Money that the chain does not know of.
      chain: {
        ...chain,
        balanceOf: async (of) => (await chain.balanceOf(of)) + BigInt((looks += 1)),
      },
      patience: 20_000,
      wallet,
      account: accountId('eip155:84532', wallet.address.toLowerCase() as `0x${string}`),
      payTo: getAddress(description.payTo),
      narrator,
      // A tool that runs for nobody.
      runs: () => ({ ...upstream.counts(), echo: (echoes += 1) }),
    });
    const failures = narrator.failures().join('\n');
    expect(failures).toMatch(/^step 1: the payee is the one of this gateway: found 0x/m);
    expect(failures).toMatch(
      /^step 1: it takes payments that are bound to the request: found no agent-intent$/m,
    );
    expect(failures).toMatch(
      /^step 2: receipt verified.*: found wrong claims: iss, request; the client says that it is made up$/m,
    );
    expect(failures).toMatch(/^step 4: asked twice, .*: found 2 requests, 2 signatures$/m);
    expect(failures).toMatch(/^step 4: the second answer is the first one, byte for byte/m);
    expect(failures).toMatch(/^step 4: the tool ran once for both: found 2 runs$/m);
    expect(failures).toMatch(/^step 5: without its intent: refused with 400: found 200/m);
    expect(failures).toMatch(/^step 5: with its intent: refused with 400: found 200/m);
    expect(failures).toMatch(/^step 5: the other tool did not run: found 1 runs$/m);
    expect(failures).toMatch(/^step 7: its own cap stops it, .*: found 403$/m);
    expect(failures).toMatch(/^step 8: charged for 29 words.*: found 30 words$/m);
    expect(failures).toMatch(/^step 8: signed the request, and no payment: found PAYMENT-SIG/m);
    expect(failures).toMatch(/^step 8: credit left: \$0\.09842: found \$0\.098421$/m);
    expect(failures).toMatch(/^step 9: \$0\.142 went from one to the other.*: found \$/m);
    expect(failures).toMatch(/^step 10: every receipt rests on an entry/m);
    expect(told.join('')).toContain('✗ ');
  });
});
