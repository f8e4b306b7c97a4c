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
import { workerOf } from '../support/built-worker.ts';
import { type AgentResponse, createAgent } from '../../src/client/index.ts';
import { accountId } from '../../src/protocol/account-id.ts';

type Offer = { readonly extensions: Readonly<Record<string, unknown>> };

const changeOffer = (headers: Headers, change: (offer: Offer) => Offer): void => {
  const offer = JSON.parse(atob(headers.get('payment-required') ?? '')) as Offer;
  headers.set('payment-required', btoa(JSON.stringify(change(offer))));
};

/** Removes the extension that offers bound payments. */
const unbound = (offer: Offer): Offer => ({ ...offer, extensions: {} });

/** Removes the extension that offers credit. */
const payable = ({ extensions, ...offer }: Offer): Offer => {
  const { 'agent-credit': _, ...others } = extensions;
  return { ...offer, extensions: others };
};

/** Wraps `fetch` and falsifies answers. `credential` belongs to an upstream. */
const fetchWithLies = (credential: string): typeof fetch => {
  let offers = 0;
  let lookups = 0;
  return async (input, init) => {
    const response = await fetch(input, init);
    const { pathname } = new URL(response.url);
    const headers = new Headers(response.headers);
    let { status } = response;
    let text = await response.text();
    if (status === 402) changeOffer(headers, (offers += 1) === 1 ? unbound : payable);
    // Changes the second answer.
    if (pathname === '/tools/lookup' && status === 200 && (lookups += 1) === 2) text += ' ';
    // Reports that a payment for another tool was accepted.
    if (pathname === '/tools/echo/river') status = 200;
    if (pathname === '/tools/summarise') {
      text = text.replace('"words":29', '"words":30');
      headers.set('RateLimit', (headers.get('RateLimit') ?? '').replace('r=98420', 'r=98421'));
    }
    // Gives the agent the credential that the gateway removed from the answer.
    const asked = new URL(response.url).searchParams.get('leak');
    if (asked === 'base64') text = `[secret:market] ${btoa(`key=${credential}`)}`;
    if (asked === 'header') headers.set('ETag', `"[secret:market] ${credential}"`);
    return new Response(text, { status, headers });
  };
};

/** A wallet whose client has no effective caps, signs again after a lost answer, and ignores its credit. */
const poorWallet = (privateKey: Hex, credential: string): Wallet => {
  const wallet = openWallet(privateKey, fetchWithLies(credential));
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

describe('the demo against a dishonest gateway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      ...workerOf({}),
      ...{ persistTo: directory, file: join(directory, 'stack.json'), market: true },
    });
  });
  afterAll(async () => {
    await stack?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('names each failed check', async () => {
    const { description, chain, upstream, market } = stack;
    const printed: string[] = [];
    const narrator = newNarrator({ write: (text: string) => printed.push(text) > 0 });
    const wallet = poorWallet(description.agent.privateKey, market?.key ?? '');
    let looks = 0;
    let echoes = 0;
    await play({
      // The description names another payee and audience than the gateway's.
      stack: {
        ...description,
        payTo: description.operator.address,
        audience: 'https://other.example',
      },
      directory,
      // These balances differ from the chain's.
      chain: {
        ...chain,
        balanceOf: async (of) => (await chain.balanceOf(of)) + BigInt((looks += 1)),
      },
      patience: 20_000,
      wallet,
      account: accountId('eip155:84532', wallet.address.toLowerCase() as `0x${string}`),
      payTo: getAddress(description.payTo),
      narrator,
      cards: undefined,
      market,
      // The counter includes a run without a call.
      runs: () => ({ ...upstream.counts(), echo: (echoes += 1) }),
    });
    const failures = narrator.failures().join('\n');
    expect(failures).toMatch(/^step 1: the payee is that of the gateway: found 0x/m);
    expect(failures).toMatch(
      /^step 1: the offer accepts payments bound to the request: found no agent-intent$/m,
    );
    expect(failures).toMatch(
      /^step 2: receipt verified.*: found wrong claims: iss, request; the client found that it is made up$/m,
    );
    expect(failures).toMatch(
      /^step 4: the client sent two requests .*: found 2 requests, 2 signatures$/m,
    );
    expect(failures).toMatch(/^step 4: both answers have the same bytes/m);
    expect(failures).toMatch(/^step 4: the tool ran once for both requests: found 2 runs$/m);
    expect(failures).toMatch(
      /^step 5: without its intent, the gateway rejects it with 400: found 200/m,
    );
    expect(failures).toMatch(
      /^step 5: with its intent, the gateway rejects it with 400: found 200/m,
    );
    expect(failures).toMatch(/^step 5: the other tool did not run: found 1 runs$/m);
    expect(failures).toMatch(/^step 8: the agent's own cap stops the call .*: found 403$/m);
    expect(failures).toMatch(/^step 9: charged for 29 words.*: found 30 words$/m);
    expect(failures).toMatch(
      /^step 9: the agent signed an intent and no payment: found PAYMENT-SIG/m,
    );
    expect(failures).toMatch(/^step 9: remaining credit: \$0\.09842: found \$0\.098421$/m);
    expect(failures).toMatch(
      /^step 10: exactly \$0\.162 moved from the agent to the payee.*: found \$/m,
    );
    expect(failures).toMatch(/^step 11: every receipt names an entry/m);
    expect(failures).toMatch(/^step 12: it asks for the key \(base64\).*: found the key as \w+/m);
    expect(failures).toMatch(
      /^step 12: it asks for the key \(header\).*: found the key as mk_live_/m,
    );
    expect(failures).not.toMatch(/^step 12: it asks for the key \((?:body|chunks)\)/m);
    expect(failures).toMatch(/^step 13: paid .* without a wallet key .*"refused":"audience"/m);
    expect(printed.join('')).toContain('✗ ');
  });
});
